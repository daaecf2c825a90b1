"""Ledger 6: one run that grows to a million events."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Final

from benchmarks import durability
from benchmarks.measure import inside
from benchmarks.model import Bar, Measured, Result, Side

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.bench import Bench

SIZES: Final = (10_000, 100_000, 1_000_000)
APPENDS: Final = 1_000
_MICRO: Final = 1e6


def run(bench: Bench) -> list[Result]:
    """Append to the run at each size, then read all of it; a fresh run each repetition."""
    sizes = [bench.scaled(size) for size in SIZES]
    appends = bench.scaled(APPENDS)
    grown = [_grow(bench.scratch / f"grown-{turn}", sizes, appends) for turn in range(bench.repeat)]
    names = [f"at {size:,}" for size in SIZES]
    first, last = names[0], names[-1]
    ran = f"repo.runs.append_event, {appends:,} times"
    sides = [
        Side(name, ran, durability.AIVCS, tuple(turn[place][0] for turn in grown))
        for place, name in enumerate(names)
    ]
    reading = [
        Side(
            name,
            "repo.runs.iter_events(run) in a fresh process",
            "reads only",
            tuple(turn[place][1] for turn in grown),
        )
        for place, name in enumerate(names)
    ]
    return [
        Result(
            6,
            "one run that grows: appends",
            f"One run grows to {', '.join(f'{size:,}' for size in sizes)} events; at each size "
            "single appends are timed, first each of them flushed, then, where the disk's "
            "moods play no part, in durability os.",
            "us, p99, sync",
            tuple(sides),
            (
                Bar(last, first, at_most=1.5),
                Bar(last, first, at_most=1.5, of="os p99 us"),
            ),
        ),
        Result(
            6,
            "one run that grows: memory while it is read",
            "A fresh process iterates over all events of the same run, at each size. SQLite's "
            "cache of pages is part of it, which a short run does not fill.",
            "MB, peak",
            tuple(reading),
            (Bar(last, names[1], at_most=1.1),),
        ),
    ]


def _grow(home: Path, sizes: list[int], appends: int) -> list[tuple[Measured, Measured]]:
    home.mkdir()
    found = []
    for size in sizes:
        took = inside(sys.executable, "grow", home, home, size, appends)
        facts = {f"{key} us": took[key] * _MICRO for key in ("sync p50", "os p50", "os p99")}
        read = inside(sys.executable, "record", home, "aivcs_batches", home)
        found.append(
            (
                Measured(took["sync p99"] * _MICRO, facts),
                Measured(
                    read["peak"] / 1e6,
                    {
                        "beyond the start, MB": read["memory"] / 1e6,
                        "events/s": read["read"] / read["seconds"],
                        "CPU us/event": read["cpu"] / read["read"] * _MICRO,
                    },
                ),
            )
        )
    shutil.rmtree(home)
    return found
