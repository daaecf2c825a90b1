"""aivcs: ``run.event()`` of a live run, which a thread commits in groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aivcs
from benchmarks.recorders.events import KIND, payload

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.recorders.stretch import Stretch


def write(folder: Path, count: int, group: int, stretch: Stretch) -> None:
    """Record a run; what is measured ends when the last event is on the disk."""
    del group  # the thread chooses
    aivcs.init(folder).close()
    with aivcs.open(folder, durability="group") as repo:
        spec = repo.specs.add({"name": "bench", "components": {"model": {"name": "small"}}})
        with repo.run(spec=spec, agent="bench") as run:
            run.event(KIND, payload(0))
            run.flush()
            with stretch:
                for number in range(count):
                    run.event(KIND, payload(number))
                run.flush()
