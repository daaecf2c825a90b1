"""aivcs: verify runs that have ended: fill FOLDER EVENTS RUN | full FOLDER | more FOLDER EVENTS.

``fill`` records EVENTS events in runs of RUN each, and ends them. ``full`` verifies everything
once, and keeps what the next verification may go on from. ``more`` records another run of EVENTS,
then verifies what is new. Prints events checked, wall seconds, and CPU seconds of the process.
"""

from __future__ import annotations

import sys
from time import perf_counter, process_time
from typing import Final

import aivcs
from benchmarks.inside.timing import say
from benchmarks.recorders.events import KIND, groups, payload

_FILL: Final = 1_000


def main() -> None:
    """Fill, or verify."""
    _, what, folder, *amounts = sys.argv
    if what == "fill":
        events, size = map(int, amounts)
        aivcs.init(folder).close()
        for numbers in groups(events, size):
            _record(folder, len(numbers))
        say(filled=events)
        return
    if what == "more":
        _record(folder, int(amounts[0]))
    with aivcs.open(folder) as repo:
        start, cpu = perf_counter(), process_time()
        report = repo.verify(incremental=what == "more")
        seconds, spent = perf_counter() - start, process_time() - cpu
    if not report.ok:
        sys.exit(f"verify found {report.problems[:3]}")
    say(seconds=seconds, cpu=spent, events=report.checked.get("events", 0))


def _record(folder: str, events: int) -> None:
    with aivcs.open(folder, durability="os") as repo:
        spec = repo.specs.add({"name": "bench", "components": {"model": {"name": "small"}}})
        run = repo.runs.create_run(spec.digest, aivcs.RunMetadata("bench"))
        for numbers in groups(events, _FILL):
            repo.runs.append_events(
                run, [aivcs.RunEvent(None, KIND, payload(one)) for one in numbers]
            )
        repo.runs.complete_run(run, aivcs.RunSummary(events, None, 1, success=True))


if __name__ == "__main__":
    main()
