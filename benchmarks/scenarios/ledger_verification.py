"""Ledger 8: verifying runs that have ended, all of them and what is new."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from benchmarks import durability
from benchmarks.measure import Contender, inside
from benchmarks.model import Bar, Measured

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.bench import Bench
    from benchmarks.model import Result

EVENTS: Final = 1_000_000
RUN: Final = 10_000
NEW: Final = 1_000


def run(bench: Bench) -> list[Result]:
    """Fill one repository; verify it all, then what each repetition adds."""
    events = bench.scaled(EVENTS)
    home = bench.scratch / "verified"
    home.mkdir()
    inside(sys.executable, "verify_runs", home, "fill", home, events, bench.scaled(RUN))

    def full(folder: Path) -> Measured:
        found = inside(sys.executable, "verify_runs", folder, "full", home)
        facts = {"events/s": events / found["seconds"], "wall s": found["seconds"]}
        return Measured(events / found["cpu"], facts)

    def added(folder: Path) -> Measured:
        found = inside(sys.executable, "verify_runs", folder, "more", home, NEW)
        return Measured(found["seconds"] * 1e3, {"CPU ms": found["cpu"] * 1e3})

    return [
        bench.compare(
            8,
            f"full verification of {events:,} events",
            f"Runs of {bench.scaled(RUN):,} events that have ended. Every row, body and salted "
            "commitment is hashed, and each run's tree is computed and compared with its seal.",
            "events/s of CPU",
            (Contender("aivcs", "repo.verify()", durability.VERIFIED, full),),
            (Bar("aivcs", at_least=100_000),),
        ),
        bench.compare(
            8,
            f"verification of {NEW:,} new events beside {events:,}",
            "Another run is recorded and ended; then only what is new since the last "
            "verification is read.",
            "ms",
            (Contender("aivcs", "repo.verify(incremental=True)", durability.VERIFIED, added),),
            (Bar("aivcs", at_most=200),),
        ),
    ]
