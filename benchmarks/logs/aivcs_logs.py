"""aivcs: logs of executions, on SQLite or on PostgreSQL."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import aivcs
from benchmarks.recorders.events import payload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_TENANT: Final = "bench"


def make(place: str, logs: int) -> None:
    """Make a repository in a folder, or in ``folder url``; the logs begin when appended to."""
    folder, _, url = place.partition(" ")
    with aivcs.init(folder, ledger=url or None) as repo:
        for log in range(logs):
            repo.events.append(_name(log), _TENANT, aivcs.ExecutionStarted())


@contextmanager
def opened(place: str) -> Iterator[Callable[[int, str, bool], int]]:
    """Open it so that each append is on the disk when it returns."""
    with aivcs.open(place.partition(" ")[0], durability="sync") as repo:

        def append(log: int, mark: str, expecting: bool) -> int:  # noqa: FBT001 - one of the stores
            event = aivcs.Custom(event_type=mark, data=payload(0))
            while True:
                expected = repo.events.get_latest_sequence(_name(log)) if expecting else None
                try:
                    return repo.events.append(_name(log), _TENANT, event, expected_seq=expected)
                except aivcs.errors.WrongExpectedSequence:
                    continue

        yield append


def read(place: str, logs: int) -> dict[tuple[int, int], str]:
    """Return the marks of all events; the first of each log is its start."""
    with aivcs.open(place.partition(" ")[0]) as repo:
        return {
            (log, stored.sequence): getattr(stored.event, "event_type", f"start {log}")
            for log in range(logs)
            for stored in repo.events.iter_events(_name(log))
        }


def _name(log: int) -> str:
    return f"log-{log}"
