"""Snapshots and values of the state store, as two tables of ``cache.db``.

Each row bears a checksum over all it says, its key too: bytes that went bad are absent, never
wrong.
"""

from __future__ import annotations

from contextlib import suppress
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, TypeVar

from aivcs.adapters.cache.file import READ_SECONDS, WRITE_SECONDS, CacheFile
from aivcs.domain.execution_snapshot import CachedSnapshot
from aivcs.domain.moment import from_micros, to_micros
from aivcs.errors import StorageError
from aivcs.ports import StorageBackend

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from sqlite_utils import Database

T = TypeVar("T")

_CHECKSUM_SIZE: Final = 16
_SNAPSHOT: Final = """SELECT execution, tenant, seq, made, history, text_checksum, checksum, text
FROM snapshots WHERE execution = ?"""
_NEWEST: Final = """SELECT execution, tenant, seq, made, history, text_checksum, checksum
FROM snapshots WHERE tenant = ? ORDER BY made DESC, rowid DESC"""
_KEEP_SNAPSHOT: Final = """INSERT OR REPLACE INTO snapshots
(execution, tenant, seq, made, history, text_checksum, checksum, text)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
_VALUE: Final = "SELECT key, value, expires, checksum FROM key_values WHERE key = ?"
_KEEP_VALUE: Final = """INSERT OR REPLACE INTO key_values (key, value, expires, checksum)
VALUES (?, ?, ?, ?)"""


class CachedStates(StorageBackend):
    """A StateCache in the file at ``path``; see ports.StateCache.

    The seconds say how long a read and a write wait for a lock.
    """

    def __init__(
        self,
        path: Path,
        *,
        read_seconds: float = READ_SECONDS,
        write_seconds: float = WRITE_SECONDS,
    ) -> None:
        self._file = CacheFile(
            path, _prepare, read_seconds=read_seconds, write_seconds=write_seconds
        )

    def name(self) -> str:
        """Return ``sqlite``."""
        return "sqlite"

    def requires_network(self) -> bool:
        """Return False."""
        return False

    def health_check(self) -> None:
        """Write, and take it back; a damaged file is replaced. Raises StorageError."""
        self._file.write(lambda db: db.execute("SELECT 1").fetchall())

    def close(self) -> None:
        """Release the file; idempotent."""
        self._file.close()

    def snapshot(self, execution_id: str) -> CachedSnapshot | None:
        """Return the snapshot of an execution, or None."""
        row = self._file.read(lambda db: _snapshot_row(db, execution_id), None)
        return None if row is None else self._sound(_snapshot(row, execution_id))

    def keep_snapshot(self, snapshot: CachedSnapshot, *, force: bool) -> bool:
        """Store a snapshot unless a newer one is there; tell whether it is stored."""

        def keep(db: Database) -> bool:
            row = None if force else _snapshot_row(db, snapshot.execution_id)
            there = None if row is None else _snapshot(row, snapshot.execution_id)
            if there is not None and there.sequence_number > snapshot.sequence_number:
                return False
            head = _head(snapshot)
            row = (*head, _checksum(head), snapshot.text)
            db.execute(_KEEP_SNAPSHOT, row)
            _check_kept(_snapshot_row(db, snapshot.execution_id), row)
            return True

        return self._file.write(keep)

    def drop_snapshot(self, execution_id: str) -> None:
        """Remove the snapshot of an execution."""
        self._delete("DELETE FROM snapshots WHERE execution = ?", execution_id)

    def snapshots(self, tenant_id: str, limit: int) -> list[str]:
        """Return the ids of executions with a snapshot, the newest first."""

        def newest(db: Database) -> list[str]:
            found: list[str] = []
            for row in db.execute(_NEWEST, (tenant_id,)):
                if len(found) >= limit:
                    break
                if row[-1] == _checksum(row[:-1]):
                    found.append(row[0])
            return found

        return self._file.read(newest, [])

    def value(self, key: str, now: datetime) -> bytes | None:
        """Return the value of a key, or None; an expired one is removed."""
        row = self._file.read(lambda db: db.execute(_VALUE, (key,)).fetchone(), None)
        if row is None:
            return None
        if row[0] != key or row[-1] != _checksum(row[:-1]):
            return self._sound(None)
        _, value, expires, _ = row
        if expires is None or expires > to_micros(now):
            return bytes(value)
        with suppress(StorageError):
            sql = "DELETE FROM key_values WHERE key = ? AND expires <= ?"
            self._delete(sql, key, to_micros(now))
        return None

    def keep_value(self, key: str, value: bytes, expires: datetime | None) -> None:
        """Store the value of a key, in place of any other."""
        cells = (key, value, None if expires is None else to_micros(expires))
        row = (*cells, _checksum(cells))

        def keep(db: Database) -> None:
            db.execute(_KEEP_VALUE, row)
            _check_kept(db.execute(_VALUE, (key,)).fetchone(), row)

        self._file.write(keep)

    def drop_value(self, key: str) -> None:
        """Remove a key."""
        self._delete("DELETE FROM key_values WHERE key = ?", key)

    def drop_values(self, prefix: str) -> None:
        """Remove every key that begins with ``prefix``."""
        # No LIKE: an id may hold what that takes for a pattern.
        behind = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        self._delete("DELETE FROM key_values WHERE key >= ? AND key < ?", prefix, behind)

    def sweep(self, now: datetime) -> int:
        """Remove every key that has expired; return how many there were."""
        return self._delete("DELETE FROM key_values WHERE expires <= ?", to_micros(now))

    def _sound(self, found: T | None) -> T | None:
        """Return what was found; a row of which nothing is left is damage."""
        if found is None:
            self._file.distrust()
        return found

    def _delete(self, sql: str, *values: object) -> int:
        return self._file.amend(lambda db: db.execute(sql, values).rowcount, 0)


def _prepare(db: Database) -> None:
    snapshots = {
        "execution": str,
        "tenant": str,
        "seq": int,
        "made": int,
        "history": bytes,
        "text_checksum": bytes,
        "checksum": bytes,
        "text": str,
    }
    db.table("snapshots").create(snapshots, if_not_exists=True)
    db.table("snapshots").create_index(["execution"], unique=True, if_not_exists=True)
    db.table("snapshots").create_index(["tenant", "made"], if_not_exists=True)
    values = {"key": str, "value": bytes, "expires": int, "checksum": bytes}
    db.table("key_values").create(values, if_not_exists=True)
    db.table("key_values").create_index(["key"], unique=True, if_not_exists=True)


def _snapshot_row(db: Database, execution_id: str) -> tuple[Any, ...] | None:
    row: tuple[Any, ...] | None = db.execute(_SNAPSHOT, (execution_id,)).fetchone()
    return row


def _check_kept(found: object, row: object) -> None:
    """Raise the driver's error where a row does not come back: the index is damaged."""
    if found != row:
        import sqlite3

        msg = "a row that was just written is not found"
        raise sqlite3.DatabaseError(msg)


def _snapshot(row: tuple[Any, ...], execution_id: str) -> CachedSnapshot | None:
    *head, checksum, text = row
    if (
        row[0] != execution_id
        or checksum != _checksum(tuple(head))
        or head[-1] != _checksum((text,))
    ):
        return None
    _, tenant, seq, made, history, _ = head
    return CachedSnapshot(execution_id, tenant, seq, from_micros(made), text, history)


def _head(snapshot: CachedSnapshot) -> tuple[object, ...]:
    return (
        snapshot.execution_id,
        snapshot.tenant_id,
        snapshot.sequence_number,
        to_micros(snapshot.timestamp),
        snapshot.history,
        _checksum((snapshot.text,)),
    )


def _checksum(row: tuple[object, ...]) -> bytes:
    # Of its text: a value that came back with another type is another one.
    return blake2b(repr(row).encode(), digest_size=_CHECKSUM_SIZE).digest()
