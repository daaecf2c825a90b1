"""Ledger 7: lists of many runs, filtered."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from benchmarks.inside.list_runs import AGENTS, PAGE
from benchmarks.measure import Contender, inside
from benchmarks.model import Bar, Measured

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.bench import Bench
    from benchmarks.model import Result

SIZES: Final = (10_000, 100_000)
QUERIES: Final = 300
_MILLI: Final = 1e3


def run(bench: Bench) -> list[Result]:
    """Fill a repository of each size once, and ask it."""

    def contender(size: int) -> Contender:
        count = bench.scaled(size)
        home = bench.scratch / f"runs-{size}"
        home.mkdir()
        inside(sys.executable, "list_runs", home, "fill", home, count)

        def measure(folder: Path) -> Measured:
            found = inside(sys.executable, "list_runs", folder, home, QUERIES)
            facts = {f"{key}, ms": took * _MILLI for key, took in found.items()}
            return Measured(facts.pop("filtered p95, ms"), facts)

        ran = f"repo.runs.list_runs(agent=..., status=..., limit={PAGE})"
        return Contender(f"{size:,} runs", ran, "reads only", measure)

    last = f"{SIZES[-1]:,} runs"
    return [
        bench.compare(
            7,
            "filtered lists of runs",
            f"Runs of {AGENTS} agents; nine of ten completed, others failed or go on. Each of "
            f"{QUERIES} queries asks for the newest {PAGE} of one agent and status, then for the "
            "page after it, then for the newest of all. --scale 10 asks a million runs.",
            "ms, p95",
            tuple(contender(size) for size in SIZES),
            (Bar(last, at_most=50),),
        )
    ]
