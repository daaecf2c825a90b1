"""Ledger 4: processes that append to the same logs."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from benchmarks import durability
from benchmarks.measure import Contender, inside
from benchmarks.model import Bar, Measured

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.bench import Bench
    from benchmarks.model import Result, Side

CREW: Final = 8
TOTAL: Final = 100_000
LOGS: Final = 4
WRONG: Final = ("lost", "duplicated", "forked", "gaps", "locked", "errors")
_MILLI: Final = 1e3
_TITLE: Final = f"contended appends to {LOGS} shared logs, {{}}"
_ABOUT: Final = (
    f"{{:,}} appends by {CREW} processes, one at a time in each, in as many parts as there are "
    "repetitions. Every second one of aivcs names the seq that it expects to be the last and is "
    "done again when another was quicker, which counts as part of its wait. Afterwards "
    "everything is read: lost is what was acknowledged and is not there, forked a place that two "
    "were told they got. The worst wait is that of all repetitions, and what went wrong is "
    "added up."
)
SERVER: Final = "the server flushes each commit (fsync and synchronous_commit on)"


def run(bench: Bench) -> list[Result]:
    """Count what goes wrong, on SQLite and on PostgreSQL."""
    each = max(2, round(TOTAL * bench.scale / CREW / bench.repeat))
    about = _ABOUT.format(CREW * each * bench.repeat)
    bars = (*(Bar("aivcs", at_most=0, of=what) for what in WRONG), Bar("aivcs", at_most=1000))
    return [
        altogether(bench.compare(4, _TITLE.format(where), about, "worst wait, ms", sides, bars))
        for where, sides in (
            (
                "SQLite",
                (
                    contender("aivcs", "aivcs", durability.AIVCS, CREW, each, LOGS),
                    contender("bare SQLite", "sqlite", durability.SQLITE, CREW, each, LOGS),
                ),
            ),
            (
                "PostgreSQL",
                (
                    contender("aivcs", "aivcs-postgres", SERVER, CREW, each, LOGS),
                    contender("bare PostgreSQL", "postgres", SERVER, CREW, each, LOGS),
                ),
            ),
        )
    ]


def altogether(result: Result) -> Result:
    """Let every repetition tell the worst of all, and all that went wrong.

    A median would forgive what went wrong once.
    """
    return replace(result, sides=tuple(map(_added_up, result.sides)))


def _added_up(side: Side) -> Side:
    wrong = {what: sum(side.fact(what)) for what in WRONG}
    worst = max(side.values)
    return replace(
        side, measured=tuple(Measured(worst, {**one.facts, **wrong}) for one in side.measured)
    )


_RAN: Final = {
    "aivcs": "repo.events.append, durability sync",
    "aivcs-postgres": "repo.events.append, durability sync",
    "sqlite": "BEGIN IMMEDIATE, SELECT max(seq) + 1, INSERT, COMMIT; busy timeout 30 s",
    "postgres": "UPDATE of the log's row and INSERT in one statement and transaction",
}


def contender(  # noqa: PLR0913 - one parameter a fact of the side
    name: str, store: str, durable: str, crew: int, each: int, logs: int, *, rated: bool = False
) -> Contender:
    """Return a side; its value is the worst wait, or if ``rated`` the appends a second."""

    def measure(folder: Path) -> Measured:
        found = inside(sys.executable, "contend", folder, store, folder, crew, each, logs)
        times = {f"{key} ms": found[key] * _MILLI for key in ("p50", "p99")}
        worst = found["worst"] * _MILLI
        if rated:
            return Measured(found["rate"], {**times, "worst ms": worst})
        wrong = {key: found[key] for key in WRONG}
        return Measured(worst, {"appends/s": found["rate"], **times, **wrong})

    return Contender(name, _RAN[store], durable, measure)
