"""eventsourcing's recorder for SQLite, without its domain model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final
from uuid import UUID

from eventsourcing.persistence import StoredEvent
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteDatastore

from benchmarks.recorders.events import KIND, groups, payload

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.recorders.stretch import Stretch

_ORIGIN: Final = UUID(int=1)


def write(folder: Path, count: int, group: int, stretch: Stretch) -> None:
    """Record by ``insert_events`` of ``group`` events."""
    store = SQLiteDatastore(str(folder / "events.db"))
    recorder = SQLiteApplicationRecorder(store)
    recorder.create_table()
    with stretch:
        for numbers in groups(count, group):
            recorder.insert_events(
                [
                    StoredEvent(_ORIGIN, one + 1, KIND, json.dumps(payload(one)).encode())
                    for one in numbers
                ]
            )
    store.close()


def read(folder: Path, stretch: Stretch) -> int:
    """Return how many events there are, each decoded."""
    store = SQLiteDatastore(str(folder / "events.db"))
    recorder = SQLiteApplicationRecorder(store)
    with stretch:
        found = sum(1 for event in recorder.select_events(_ORIGIN) if json.loads(event.state))
    store.close()
    return found
