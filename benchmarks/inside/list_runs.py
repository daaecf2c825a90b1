"""aivcs: lists of runs: fill FOLDER COUNT | FOLDER QUERIES. Prints seconds of a query.

Runs are of 20 agents in turn; most have completed, every tenth failed, every 50th runs.
"""

from __future__ import annotations

import sys
from time import perf_counter
from typing import TYPE_CHECKING, Final

import aivcs
from benchmarks.inside.timing import middle, say
from benchmarks.recorders.events import KIND, payload

if TYPE_CHECKING:
    from collections.abc import Callable

AGENTS: Final = 20
PAGE: Final = 50


def main() -> None:
    """Fill or ask."""
    folder, amount = sys.argv[-2:]
    if sys.argv[1] == "fill":
        _fill(folder, int(amount))
        say(filled=int(amount))
    else:
        say(**_ask(folder, int(amount)))


def _fill(folder: str, count: int) -> None:
    aivcs.init(folder).close()
    with aivcs.open(folder, durability="os") as repo:
        spec = repo.specs.add({"name": "bench", "components": {"model": {"name": "small"}}})
        for number in range(count):
            run = repo.runs.create_run(
                spec.digest, aivcs.RunMetadata(f"agent-{number % AGENTS}", tags={"n": number})
            )
            repo.runs.append_event(run, aivcs.RunEvent(None, KIND, payload(number)))
            summary = aivcs.RunSummary(1, None, 1, success=number % 10 != 0)
            if number % 10 == 0:
                repo.runs.fail_run(run, summary)
            elif number % 50 != 1:
                repo.runs.complete_run(run, summary)


def _ask(folder: str, queries: int) -> dict[str, float]:
    """Time pages of the newest runs of an agent and a status, and of older ones."""
    took: dict[str, list[float]] = {}

    def timed(key: str, ask: Callable[[], list[aivcs.RunRecord]]) -> list[aivcs.RunRecord]:
        start = perf_counter()
        found = ask()
        took.setdefault(key, []).append(perf_counter() - start)
        return found

    statuses = [aivcs.RunStatus.FAILED, aivcs.RunStatus.COMPLETED, aivcs.RunStatus.RUNNING]
    with aivcs.open(folder) as repo:
        for number in range(queries):
            agent, status = f"agent-{number % AGENTS}", statuses[number % len(statuses)]
            page = timed(
                "filtered",
                lambda agent=agent, status=status: repo.runs.list_runs(  # type: ignore[misc]
                    agent=agent, status=status, limit=PAGE
                ),
            )
            if page:
                timed(
                    "next page",
                    lambda agent=agent, status=status, after=page[-1].run_id: (  # type: ignore[misc]
                        repo.runs.list_runs(agent=agent, status=status, limit=PAGE, after=after)
                    ),
                )
            timed("newest", lambda: repo.runs.list_runs(limit=PAGE))
    return {
        f"{key} {name}": middle(seconds, part)
        for key, seconds in took.items()
        for name, part in (("p50", 0.5), ("p95", 0.95))
    }


if __name__ == "__main__":
    main()
