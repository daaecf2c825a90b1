"""Ledger 1: flushes and bytes an event, one by one and in groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks.measure import Contender
from benchmarks.model import Bar, Measured
from benchmarks.recorders.sides import GROUP, GROUPED, SINGLE
from benchmarks.syscalls import traced

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from benchmarks.bench import Bench
    from benchmarks.model import Result
    from benchmarks.recorders.sides import Recorded

ALONE: Final = 1_000
TOGETHER: Final = 10_000
_ABOUT: Final = (
    "Calls of fsync and fdatasync, and bytes of write calls to the store's files, counted by "
    "strace while {count:,} events are appended{how}; opening, the run's start and its end are "
    "not counted. SQLite's checkpoints of its log add a few of each."
)


def run(bench: Bench) -> list[Result]:
    """Count, never time: a traced program is slow."""
    alone, together = bench.scaled(ALONE), max(2 * GROUP, bench.scaled(TOGETHER))
    return [
        bench.compare(
            1,
            "flushes of one durable append",
            _ABOUT.format(count=alone, how=" one by one"),
            "fsyncs/event",
            tuple(_contenders(bench, SINGLE, alone)),
            (Bar("aivcs", at_least=1, at_most=1.01),),
        ),
        bench.compare(
            1,
            "flushes of grouped durable appends",
            _ABOUT.format(count=together, how=f", {GROUP} a call (run.event: one a call)"),
            "fsyncs/event",
            tuple(_contenders(bench, GROUPED, together)),
            (Bar("aivcs", at_most=0.02), Bar("aivcs, run.event", at_most=0.02)),
        ),
    ]


def _contenders(bench: Bench, sides: Iterable[Recorded], count: int) -> Iterable[Contender]:
    for side in sides:

        def measure(folder: Path, side: Recorded = side) -> Measured:
            store = folder / "store"
            store.mkdir()
            asked = traced(side.words(bench.peers, store, count), store)
            return Measured(asked.flushes / count, {"bytes/event": asked.written / count})

        yield Contender(side.name, side.ran, side.durable, measure)
