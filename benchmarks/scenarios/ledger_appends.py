"""Ledger 2: durable appends in groups, and one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks.measure import Contender, inside
from benchmarks.model import Bar, Measured
from benchmarks.recorders.sides import GROUP, GROUPED, MLFLOW, SINGLE

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.bench import Bench
    from benchmarks.model import Result
    from benchmarks.recorders.sides import Recorded

ALONE: Final = 400
TOGETHER: Final = 20_000


def run(bench: Bench) -> list[Result]:
    """Compare events a second."""
    alone, together = bench.scaled(ALONE), max(2 * GROUP, bench.scaled(TOGETHER))
    sqlite = tuple(
        Bar(name, bare, at_least=0.6)
        for name in ("aivcs", "aivcs, run.event")
        for bare in ("SQLite, apsw", "SQLite, sqlite3")
    )
    return [
        bench.compare(
            2,
            "grouped durable appends",
            f"{together:,} events of about 190 bytes of JSON, {GROUP} a call and commit; "
            "run.event() takes one a call, and its thread commits what waits. aivcs salts and "
            "hashes each event into the run's tree, and its triggers check each row; bare SQLite "
            "gets rows of the same columns, with the same indexes and nothing that guards "
            f"them. MLflow's log_metric takes {alone} metrics one by one: it has no other way.",
            "events/s",
            (
                *(_contender(bench, side, together) for side in GROUPED),
                _contender(bench, MLFLOW, alone),
            ),
            (
                *(
                    bar
                    for name in ("aivcs", "aivcs, run.event")
                    for bar in (
                        Bar(name, "MLflow log_metric", at_least=100),
                        Bar(name, "MLflow log_batch", at_least=5),
                    )
                ),
                *sqlite,
            ),
        ),
        bench.compare(
            2,
            "single durable appends",
            f"{alone} events one by one; each is on the disk when its call returns.",
            "events/s",
            tuple(_contender(bench, side, alone) for side in SINGLE),
        ),
    ]


def _contender(bench: Bench, side: Recorded, count: int) -> Contender:
    def measure(folder: Path) -> Measured:
        store = folder / "store"
        store.mkdir()
        words = (side.module, store, count, side.group)
        found = inside(side.python(bench.peers), "record", folder, *words)
        return Measured(count / found["seconds"], {"CPU us/event": found["cpu"] / count * 1e6})

    return Contender(side.name, side.ran, side.durable, measure)
