"""Ledger 5: reading a run of 10,000 events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks.measure import BenchmarkError, Contender, inside, prepare
from benchmarks.model import Measured
from benchmarks.recorders.sides import GROUPED

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.bench import Bench
    from benchmarks.model import Result
    from benchmarks.recorders.sides import Recorded

COUNT: Final = 10_000
_READING: Final = {
    "aivcs_batches": "repo.runs.iter_events(run)",
    "bare_apsw": "SELECT, json.loads of each body",
    "bare_sqlite3": "SELECT, json.loads of each body",
    "mlflow_metrics": "get_metric_history",
    "langgraph_saver": "get_tuple of a checkpoint with these writes",
    "eventsourcing_recorder": "select_events, json.loads of each state",
    "openai_session": "get_items",
}


def run(bench: Bench) -> list[Result]:
    """Fill each store once; a fresh process reads it."""
    count = bench.scaled(COUNT)
    homes = {side.module: _filled(bench, side, count) for side in _sides()}

    def contender(side: Recorded) -> Contender:
        home = homes[side.module]

        def measure(folder: Path) -> Measured:
            found = inside(side.python(bench.peers), "record", folder, side.module, home)
            if found["read"] < count:
                msg = f"{side.name} read {found['read']} of {count} events"
                raise BenchmarkError(msg)
            return Measured(found["seconds"] * 1e3, {"memory MB": found["memory"] / 1e6})

        return Contender(side.name, _READING[side.module], "reads only", measure)

    return [
        bench.compare(
            5,
            f"reading a run of {count:,} events",
            "A fresh process with the store open reads all events in order and decodes them; the "
            "memory is what its peak grew by. aivcs, bare SQLite and eventsourcing hold "
            "one event at a time where they can; DBOS is left out: its steps cannot be grouped, "
            "and so many would take minutes to write.",
            "ms",
            tuple(contender(side) for side in _sides()),
        )
    ]


def _sides() -> tuple[Recorded, ...]:
    return tuple(side for side in GROUPED if side.module in _READING)


def _filled(bench: Bench, side: Recorded, count: int) -> Path:
    home = bench.scratch / f"read-{side.module}"
    home.mkdir()
    prepare(side.words(bench.peers, home, count), home)
    return home
