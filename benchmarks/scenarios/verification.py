"""Row 5: reading and checking everything that is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks import durability, stores
from benchmarks.measure import Contender, timed
from benchmarks.model import Bar, Measured
from benchmarks.scenarios.small_files import COUNT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.bench import Bench
    from benchmarks.corpus import Corpus
    from benchmarks.model import Result

MANY: Final = 200_000


def run(bench: Bench) -> list[Result]:
    """Verify small and large repositories."""
    return [
        _compare(bench, bench.documents(COUNT)),
        _compare(bench, bench.documents(MANY, files=False)),
    ]


def _compare(bench: Bench, corpus: Corpus) -> Result:
    def contender(name: str, words: Sequence[str], repository: Path) -> Contender:
        def measure(folder: Path) -> Measured:
            ran = timed(words, folder, within=repository)
            return Measured(
                corpus.count / ran.seconds, {"CPU s": ran.cpu, "peak MB": ran.peak / 1e6}
            )

        shown = " ".join(["aivcs", *words[1:]] if words[0] == aivcs else words)
        return Contender(name, shown, durability.VERIFIED, measure)

    aivcs = str(bench.peers.aivcs)
    return bench.compare(
        5,
        f"full verification of {corpus.count:,} documents",
        "Each store reads all its bytes and hashes every document; the whole process is "
        "timed. git checks its one pack after git gc.",
        "documents/s",
        (
            contender("aivcs, hot", (aivcs, "verify"), stores.hot(bench, corpus)),
            contender("aivcs", (aivcs, "verify"), stores.sealed(bench, corpus)),
            contender("git fsck", ("git", "fsck", "--full"), stores.git(bench, corpus)),
        ),
        # Of the time for few documents, half is the start of Python.
        (Bar("aivcs", "git fsck", at_least=3), Bar("aivcs, hot", "git fsck", at_least=3))
        if corpus.count > bench.scaled(COUNT)
        else (),
    )
