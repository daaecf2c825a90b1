"""Row 7: one durable put, beside the least that durability costs on this disk."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from benchmarks import durability
from benchmarks.measure import inside
from benchmarks.model import Bar, Measured, Result, Side

if TYPE_CHECKING:
    from benchmarks.bench import Bench

PUTS: Final = 400
_MICRO: Final = 1e6
_SIDES: Final = (
    ("aivcs", "aivcs", "repo.objects.put(document)", durability.AIVCS),
    ("raw append", "raw", "os.write of the document, appended", durability.RAW),
    ("bare SQLite", "sqlite", "INSERT of the document, nothing else", durability.SQLITE),
)


def run(bench: Bench) -> list[Result]:
    """Store documents one by one; the sides take turns document by document."""
    corpus = bench.documents(20_000)
    puts = bench.scaled(PUTS)
    found = []
    for turn in range(bench.repeat):
        folder = bench.scratch / f"single-{turn}"
        folder.mkdir()
        found.append(inside(sys.executable, "put_one", folder, corpus.lines, folder, puts))
    sides = tuple(
        Side(
            name,
            ran,
            durable,
            tuple(
                Measured(one[key] * _MICRO, {"p99 us": one[f"{key} p99"] * _MICRO}) for one in found
            ),
        )
        for name, key, ran, durable in _SIDES
    )
    return [
        Result(
            7,
            "one durable put",
            f"One process stores {puts} documents by each way in turn, one at a time; the "
            "figure of a repetition is the median of its puts.",
            "us, median",
            sides,
            (Bar("aivcs", "raw append", at_most=2),),
        )
    ]
