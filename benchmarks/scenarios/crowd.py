"""Row 8: 16 threads and 16 processes of single durable puts."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from benchmarks import durability
from benchmarks.measure import Contender, inside
from benchmarks.model import Bar, Measured
from benchmarks.scenarios.small_files import COUNT

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.bench import Bench
    from benchmarks.model import Result

CREW: Final = 16
EACH: Final = 150
_MILLI: Final = 1e3


def run(bench: Bench) -> list[Result]:
    """Compare with bare SQLite, by threads and by processes."""
    corpus = bench.documents(COUNT)
    each = max(1, min(round(EACH * bench.scale), corpus.count // CREW))

    def contender(name: str, ran: str, durable: str, store: str, how: str) -> Contender:
        def measure(folder: Path) -> Measured:
            words = (store, how, corpus.lines, folder, CREW, each)
            found = inside(sys.executable, "crowd", folder, *words)
            facts = {f"{key} ms": found[key] * _MILLI for key in ("p50", "p99", "worst")}
            return Measured(found["rate"], {**facts, **{k: found[k] for k in ("errors", "lost")}})

        return Contender(name, ran, durable, measure)

    return [
        bench.compare(
            8,
            f"{CREW} {how} of single durable puts",
            f"{CREW} writers begin at once and store {each} documents each, one at a time; "
            f"then every document is read back. {sharing}",
            "puts/s",
            (
                contender("aivcs", "repo.objects.put(document)", durability.AIVCS, "aivcs", how),
                contender(
                    "bare SQLite",
                    "INSERT of digest and document, a connection a writer, busy timeout 60 s",
                    durability.SQLITE,
                    "sqlite",
                    how,
                ),
            ),
            (Bar("aivcs", at_most=0, of="errors"), Bar("aivcs", at_most=0, of="lost")),
        )
        for how, sharing in (
            ("threads", "The threads share one open repository."),
            ("processes", "Each process opens the repository itself."),
        )
    ]
