"""Snapshots and values of the state store in memory."""

from __future__ import annotations

import threading
from itertools import count
from typing import TYPE_CHECKING

from aivcs.errors import RepositoryClosed
from aivcs.ports import StorageBackend

if TYPE_CHECKING:
    from datetime import datetime

    from aivcs.domain.execution_snapshot import CachedSnapshot


class MemoryStates(StorageBackend):
    """A StateCache in dictionaries; a closed one raises RepositoryClosed."""

    def __init__(self) -> None:
        self._snapshots: dict[str, tuple[int, CachedSnapshot]] = {}
        self._values: dict[str, tuple[bytes, datetime | None]] = {}
        self._numbers = count()
        self._lock = threading.RLock()
        self._closed = False

    def name(self) -> str:
        """Return ``memory``."""
        return "memory"

    def requires_network(self) -> bool:
        """Return False."""
        return False

    def health_check(self) -> None:
        """Raise RepositoryClosed when it is closed."""
        if self._closed:
            msg = "the repository in memory is closed"
            raise RepositoryClosed(msg, hint="open it again")

    def close(self) -> None:
        """Refuse every further call; idempotent."""
        self._closed = True

    def snapshot(self, execution_id: str) -> CachedSnapshot | None:
        """Return the snapshot of an execution, or None."""
        self.health_check()
        found = self._snapshots.get(execution_id)
        return None if found is None else found[1]

    def keep_snapshot(self, snapshot: CachedSnapshot, *, force: bool) -> bool:
        """Store a snapshot unless a newer one is there; tell whether it is stored."""
        with self._lock:
            there = self.snapshot(snapshot.execution_id)
            newer = there is not None and there.sequence_number > snapshot.sequence_number
            if newer and not force:
                return False
            self._snapshots[snapshot.execution_id] = (next(self._numbers), snapshot)
            return True

    def drop_snapshot(self, execution_id: str) -> None:
        """Remove the snapshot of an execution."""
        self.health_check()
        self._snapshots.pop(execution_id, None)

    def snapshots(self, tenant_id: str, limit: int) -> list[str]:
        """Return the ids of executions with a snapshot, the newest first."""
        self.health_check()
        with self._lock:
            found = [
                (one.timestamp, number, one.execution_id)
                for number, one in self._snapshots.values()
                if one.tenant_id == tenant_id
            ]
        return [execution_id for _, _, execution_id in sorted(found, reverse=True)[:limit]]

    def value(self, key: str, now: datetime) -> bytes | None:
        """Return the value of a key, or None; an expired one is removed."""
        self.health_check()
        with self._lock:
            value, expires = self._values.get(key, (None, None))
            if expires is None or expires > now:
                return value
            del self._values[key]
            return None

    def keep_value(self, key: str, value: bytes, expires: datetime | None) -> None:
        """Store the value of a key, in place of any other."""
        self.health_check()
        with self._lock:
            self._values[key] = (value, expires)

    def drop_value(self, key: str) -> None:
        """Remove a key."""
        self.health_check()
        with self._lock:
            self._values.pop(key, None)

    def drop_values(self, prefix: str) -> None:
        """Remove every key that begins with ``prefix``."""
        self.health_check()
        with self._lock:
            for key in [key for key in self._values if key.startswith(prefix)]:
                del self._values[key]

    def sweep(self, now: datetime) -> int:
        """Remove every key that has expired; return how many there were."""
        self.health_check()
        with self._lock:
            gone = [k for k, (_, end) in self._values.items() if end is not None and end <= now]
            for key in gone:
                del self._values[key]
            return len(gone)
