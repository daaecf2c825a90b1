"""Ledger 3: what an event costs the thread that records it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from benchmarks.measure import Contender, inside
from benchmarks.model import Bar, Measured

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.bench import Bench
    from benchmarks.model import Result

TIGHT: Final = 20_000
PACED: Final = 2_000
_MICRO: Final = 1e6
_DURABLE: Final = "on the disk a tenth of a second later at most, or after run.flush()"


def run(bench: Bench) -> list[Result]:
    """Time each call in a tight loop, and one call a millisecond."""

    def contender(name: str, count: int, pause: float) -> Contender:
        def measure(folder: Path) -> Measured:
            found = inside(sys.executable, "event_call", folder, folder, count, pause)
            facts = {f"{key} us": found[key] * _MICRO for key in ("p99", "worst")}
            return Measured(found["p50"] * _MICRO, facts)

        return Contender(name, "run.event(kind, payload), durability group", _DURABLE, measure)

    return [
        bench.compare(
            3,
            "run.event() on the caller's thread",
            "Each call is timed by itself; the payload is about 190 bytes of JSON. In the tight "
            "loop the caller competes with the thread that commits; more than 10,000 waiting "
            "events make it wait for the disk.",
            "us, median",
            (
                contender("tight loop", bench.scaled(TIGHT), 0),
                contender("one a millisecond", bench.scaled(PACED), 0.001),
            ),
            (Bar("tight loop", at_most=30), Bar("one a millisecond", at_most=30)),
        )
    ]
