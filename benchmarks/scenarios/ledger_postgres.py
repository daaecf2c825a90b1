"""Ledger 9: PostgreSQL with one writer and with eight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks.scenarios.ledger_crowd import SERVER, contender

if TYPE_CHECKING:
    from benchmarks.bench import Bench
    from benchmarks.model import Result

EACH: Final = 1_000


def run(bench: Bench) -> list[Result]:
    """Compare with bare PostgreSQL; each writer has a log of its own."""
    each = bench.scaled(EACH)
    return [
        bench.compare(
            9,
            f"PostgreSQL, {writers} writer{'s' * (writers > 1)}",
            f"Each process appends {each:,} events one at a time to a log of its own, on a server "
            "of this machine that was started for it.",
            "appends/s",
            (
                contender("aivcs", "aivcs-postgres", SERVER, writers, each, writers, rated=True),
                contender(
                    "bare PostgreSQL", "postgres", SERVER, writers, each, writers, rated=True
                ),
            ),
        )
        for writers in (1, 8)
    ]
