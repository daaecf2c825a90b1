"""What may be lost at any time, but never lies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from aivcs.ports.backend import StorageBackend

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet
    from datetime import datetime

    from aivcs.domain.execution_snapshot import CachedSnapshot


class Bookmarks(Protocol):
    """How far long work has come: a set of names that may be lost, but never lies."""

    def marks(self) -> AbstractSet[str]:
        """Return all of them; none where they cannot be read."""
        ...

    def add(self, marks: Iterable[str]) -> None:
        """Remember some more. Raises StorageError."""
        ...

    def clear(self) -> None:
        """Forget all. Raises StorageError."""
        ...


class StateCache(StorageBackend, Protocol):
    """Snapshots and values by key that may be lost at any time, but are never wrong.

    A read never fails: what cannot be read is absent. What cannot be written raises
    StorageError. Any number of threads and processes; the newest write of a key counts.
    """

    def snapshot(self, execution_id: str) -> CachedSnapshot | None:
        """Return the snapshot of an execution, or None."""
        ...

    def keep_snapshot(self, snapshot: CachedSnapshot, *, force: bool) -> bool:
        """Store a snapshot in place of the one that is there; tell whether that was done.

        One with a higher ``sequence_number`` stays, unless ``force``.
        """
        ...

    def drop_snapshot(self, execution_id: str) -> None:
        """Remove the snapshot of an execution; none is no error."""
        ...

    def snapshots(self, tenant_id: str, limit: int) -> list[str]:
        """Return up to ``limit`` ids of a tenant's executions that have one, newest first.

        By their timestamps; of equal ones that which was stored last.
        """
        ...

    def value(self, key: str, now: datetime) -> bytes | None:
        """Return the value of a key, or None; one that has expired is removed."""
        ...

    def keep_value(self, key: str, value: bytes, expires: datetime | None) -> None:
        """Store the value of a key in place of any other, until ``expires``."""
        ...

    def drop_value(self, key: str) -> None:
        """Remove a key; none is no error."""
        ...

    def drop_values(self, prefix: str) -> None:
        """Remove every key that begins with ``prefix``, which ends in an ASCII character."""
        ...

    def sweep(self, now: datetime) -> int:
        """Remove every key that has expired; return how many there were."""
        ...
