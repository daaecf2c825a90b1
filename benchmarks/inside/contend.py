"""Processes that append to the same logs: STORE FOLDER CREW EACH LOGS.

STORE is ``aivcs``, ``sqlite`` (bare), ``aivcs-postgres`` or ``postgres`` (bare); for the last
two a server is started, with a folder of its own. Each of CREW processes appends EACH events,
one at a time, each on the disk when the call returns, to LOGS logs in turn. Every second append of
aivcs names the last seq that it expects, and is done again when another was quicker. Afterwards
all logs are read. Prints the rate, seconds of the appends, and what went wrong.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections import Counter
from contextlib import contextmanager
from importlib import import_module
from time import perf_counter
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeAlias

from benchmarks.inside.timing import middle, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from multiprocessing.synchronize import Barrier

    class Store(Protocol):
        """What ``benchmarks.logs`` has a module for each of."""

        def make(self, place: str, logs: int) -> None:
            """Make the store and its logs."""

        def opened(self, place: str) -> AbstractContextManager[Append]:
            """Open it in this process; the call appends and returns the seq it got."""

        def read(self, place: str, logs: int) -> Mapping[Place, str]:
            """Return the mark of every event by its log and seq."""


Place: TypeAlias = "tuple[int, int]"
"""The number of a log, and a seq in it."""
Append: TypeAlias = "Callable[[int, str, bool], int]"
"""Append an event with a mark to a log; the flag asks for the expected seq to be named."""

MODULES: Final = {
    "aivcs": "aivcs_logs",
    "aivcs-postgres": "aivcs_logs",
    "sqlite": "sqlite_logs",
    "postgres": "postgres_logs",
}


class Done(NamedTuple):
    """What one process did: its moments, the seconds of each append, what it was told."""

    start: float
    end: float
    took: list[float]
    told: list[tuple[Place, str]]
    locked: int
    errors: int


def main() -> None:
    """Measure it."""
    _, store, folder, crew, each, logs = sys.argv
    with _place(store, folder) as place:
        module = _module(store)
        module.make(place, int(logs))
        context = multiprocessing.get_context("spawn")
        gate = context.Barrier(int(crew))
        words = [(store, place, who, int(each), int(logs)) for who in range(int(crew))]
        with context.Pool(int(crew), _remember, (gate,)) as pool:
            done = pool.starmap(_append, words, chunksize=1)
        found = module.read(place, int(logs))
    took = [seconds for one in done for seconds in one.took]
    say(
        rate=len(took) / (max(one.end for one in done) - min(one.start for one in done)),
        p50=middle(took),
        p99=middle(took, 0.99),
        worst=max(took),
        locked=sum(one.locked for one in done),
        errors=sum(one.errors for one in done),
        **wrong([told for one in done for told in one.told], found),
    )


def wrong(told: list[tuple[Place, str]], found: Mapping[Place, str]) -> dict[str, int]:
    """Compare what writers were told with what the logs hold.

    Lost is what was acknowledged and is not there; duplicated what is there twice; forked
    how many places two writers were told that they got; gaps the seqs that no event has.
    """
    marks = Counter(found.values())
    ends: dict[int, int] = {}
    for log, seq in found:
        ends[log] = max(seq, ends.get(log, 0))
    return {
        "lost": sum(found.get(place) != mark for place, mark in told),
        "duplicated": sum(times - 1 for times in marks.values()),
        "forked": len(told) - len({place for place, _ in told}),
        "gaps": sum(ends.values()) - len(found),
    }


def _module(store: str) -> Store:
    found: Store = import_module(f"benchmarks.logs.{MODULES[store]}")
    return found


@contextmanager
def _place(store: str, folder: str) -> Iterator[str]:
    """Yield the folder, or ``folder url`` of a database of a server that runs meanwhile."""
    if "postgres" not in store:
        yield folder
        return
    from tests.postgres.server import PASSWORD, PostgresServer

    os.environ["PGPASSWORD"] = PASSWORD
    with PostgresServer(quick=False) as server:
        yield f"{folder} {server.url(server.new_database(empty=True))}"


_gates: list[Barrier] = []


def _remember(gate: Barrier) -> None:
    _gates.append(gate)


def _append(store: str, place: str, who: int, each: int, logs: int) -> Done:
    took, told, locked, errors = [], [], 0, 0
    with _module(store).opened(place) as append:
        _gates[0].wait()
        begin = perf_counter()
        for number in range(each):
            log, mark = (who + number) % logs, f"{who}-{number}"
            start = perf_counter()
            try:
                told.append(((log, append(log, mark, number % 2 == 1)), mark))
            except Exception as error:  # noqa: BLE001 - whatever is raised is counted
                print(repr(error), file=sys.stderr)
                locked += "lock" in str(error)
                errors += 1
            took.append(perf_counter() - start)
        return Done(begin, perf_counter(), took, told, locked, errors)


if __name__ == "__main__":
    main()
