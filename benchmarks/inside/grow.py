"""aivcs: fill a run up to a size, then time single appends to it: FOLDER SIZE COUNT.

The run is the repository's only one. Prints seconds of the appends in durability ``sync`` and,
where no flush takes part, in ``os``.
"""

from __future__ import annotations

import sys
from time import perf_counter
from typing import Final

import aivcs
from benchmarks.inside.timing import middle, say
from benchmarks.recorders.events import KIND, groups, payload

_FILL: Final = 1_000


def main() -> None:
    """Grow it, append, and say how long each took."""
    _, folder, size, count = sys.argv
    run = _filled(folder, int(size))
    figures: dict[str, float] = {}
    for durability in ("sync", "os"):
        took = []
        with aivcs.open(folder, durability=durability) as repo:
            for number in range(int(count)):
                event = aivcs.RunEvent(None, KIND, payload(number))
                start = perf_counter()
                repo.runs.append_event(run, event)
                took.append(perf_counter() - start)
        for key, part in (("p50", 0.5), ("p99", 0.99)):
            figures[f"{durability} {key}"] = middle(took, part)
    say(**figures)


def _filled(folder: str, size: int) -> aivcs.RunId:
    """Return the run after it has got ``size`` events."""
    aivcs.init(folder).close()
    with aivcs.open(folder, durability="os") as repo:
        records = repo.runs.list_runs()
        if records:
            run, there = records[0].run_id, records[0].total_events
        else:
            spec = repo.specs.add({"name": "bench", "components": {"model": {"name": "small"}}})
            run, there = repo.runs.create_run(spec.digest, aivcs.RunMetadata("bench")), 0
        for numbers in groups(size - there, _FILL):
            repo.runs.append_events(
                run, [aivcs.RunEvent(None, KIND, payload(there + one)) for one in numbers]
            )
    return run


if __name__ == "__main__":
    main()
