"""MLflow's SQLite store: a metric an event, which is all that it appends."""

from __future__ import annotations

from time import time_ns
from typing import TYPE_CHECKING, Final

from mlflow.entities import Metric
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

from benchmarks.recorders.events import groups

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.recorders.stretch import Stretch

_KEY: Final = "reward"


def _store(folder: Path) -> SqlAlchemyStore:
    return SqlAlchemyStore(f"sqlite:///{folder / 'mlflow.db'}", str(folder / "artifacts"))


def write(folder: Path, count: int, group: int, stretch: Stretch) -> None:
    """Log by ``log_metric``, or by ``log_batch`` of ``group`` metrics."""
    store = _store(folder)
    experiment = store.create_experiment("bench")
    run = store.create_run(experiment, "bench", 0, [], "bench").info.run_id
    (folder / "run").write_text(run)

    def metric(number: int) -> Metric:
        return Metric(_KEY, float(number), time_ns() // 10**6, number)

    store.log_metric(run, metric(-1))
    with stretch:
        for numbers in groups(count, group):
            if group == 1:
                store.log_metric(run, metric(numbers[0]))
            else:
                store.log_batch(run, [metric(one) for one in numbers], [], [])


def read(folder: Path, stretch: Stretch) -> int:
    """Return how many values the metric has, each an object."""
    store = _store(folder)
    run = (folder / "run").read_text()
    with stretch:
        return len(store.get_metric_history(run, _KEY))
