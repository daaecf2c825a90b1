"""aivcs: the calls that return when the events are on the disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aivcs
from benchmarks.recorders.events import KIND, groups, payload

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.recorders.stretch import Stretch


def write(folder: Path, count: int, group: int, stretch: Stretch) -> None:
    """Record a run by ``append_event``, or by ``append_events`` of ``group`` events."""
    aivcs.init(folder).close()
    with aivcs.open(folder, durability="sync") as repo:
        spec = repo.specs.add({"name": "bench", "components": {"model": {"name": "small"}}})
        run = repo.runs.create_run(spec.digest, aivcs.RunMetadata("bench"))
        repo.runs.append_event(run, aivcs.RunEvent(None, KIND, payload(0)))
        with stretch:
            if group == 1:
                for number in range(count):
                    repo.runs.append_event(run, aivcs.RunEvent(None, KIND, payload(number)))
            else:
                for numbers in groups(count, group):
                    repo.runs.append_events(
                        run, [aivcs.RunEvent(None, KIND, payload(one)) for one in numbers]
                    )
        repo.runs.complete_run(run, aivcs.RunSummary(count + 1, None, 1, success=True))


def read(folder: Path, stretch: Stretch) -> int:
    """Return how many events the run has, each read and decoded."""
    with aivcs.open(folder) as repo:
        (run,) = (record.run_id for record in repo.runs.list_runs())
        with stretch:
            return sum(1 for event in repo.runs.iter_events(run) if event.payload)
