"""The StateStore: snapshots of executions and working values, best-effort and beside the truth."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from math import inf
from typing import TYPE_CHECKING, Final

from aivcs.domain.execution_snapshot import CachedSnapshot, ExecutionSnapshot, Freshness
from aivcs.domain.jsonvalue import is_count, json_text, json_value
from aivcs.domain.names import check_run_id, check_text
from aivcs.domain.shown import shown
from aivcs.errors import InvalidInputError, StorageError
from aivcs.ports import StorageBackend
from aivcs.services.state_history import Histories

if TYPE_CHECKING:
    from aivcs.domain.canonical import Json
    from aivcs.ports import Clock, Ledger, StateCache
    from aivcs.services.objects import CasStore

MAX_KEY: Final = 1024
"""The longest key, in characters."""
MAX_VALUE: Final = 64 * 2**20
"""The longest value, in bytes; larger data belongs into an object."""


class StateStore(StorageBackend):
    """Snapshots to resume from, and values by key, kept best-effort.

    All of it may be lost at any time; nothing in it is the truth, that is the log. A read
    never fails: what cannot be read is absent. A write raises StorageError where nothing
    can be kept at all. ``execution_id`` is the id of a run. Everything raises
    InvalidInputError for arguments that cannot be, RepositoryClosed after ``shutdown``.
    """

    def __init__(self, cache: StateCache, ledger: Ledger, objects: CasStore, clock: Clock) -> None:
        self._cache = cache
        self._clock = clock
        self._histories = Histories(ledger, objects)

    def save_snapshot(self, snapshot: ExecutionSnapshot, *, force: bool = False) -> bool:
        """Keep a snapshot in place of the execution's last one; tell whether it is kept.

        One that has seen more events stays, unless it is invalid or ``force`` is given.
        Without a timestamp it bears the present time.
        """
        if snapshot.timestamp is None:
            snapshot = replace(snapshot, timestamp=self._clock())
        before = self._cache.snapshot(snapshot.execution_id)
        history = self._histories.at(snapshot.execution_id, snapshot.sequence_number, before)
        if self._keep(snapshot, history, force=force):
            return True
        return self._is_invalid(before) and self._keep(snapshot, history, force=True)

    def load_snapshot(self, execution_id: str) -> ExecutionSnapshot | None:
        """Return the execution's snapshot as it was saved, or None.

        Whether it may be used, ``freshness`` tells; ``load_fresh`` returns one that may.
        """
        return _opened(self._cache.snapshot(check_run_id(execution_id)))

    def freshness(self, execution_id: str) -> Freshness | None:
        """Tell how the execution's snapshot stands to its log; None without a snapshot.

        Reads the events that the snapshot has not seen. Raises StorageError where the log
        cannot be read.
        """
        cached = self._cache.snapshot(check_run_id(execution_id))
        return None if cached is None else self._histories.freshness(cached, _opened(cached))

    def load_fresh(self, execution_id: str) -> ExecutionSnapshot | None:
        """Return a snapshot that has seen the whole log of an execution; None without a log.

        What came since the last snapshot is folded onto it; without one, and where it is
        invalid, the whole log is. The result is kept for the next time. ``variables`` are
        those of the last snapshot, as no event holds them. Raises StorageError and
        CorruptionError where the log cannot be read.
        """
        cached = self._cache.snapshot(check_run_id(execution_id))
        before = _opened(cached)
        found = self._histories.folded(execution_id, cached, before)
        if found is None:
            return None
        snapshot, history = found
        if cached is None or snapshot != before or cached.history != history:
            snapshot = replace(snapshot, timestamp=self._clock())
            with suppress(StorageError):
                self._keep(snapshot, history, force=self._is_invalid(cached))
        return snapshot

    def delete_snapshot(self, execution_id: str) -> None:
        """Remove an execution's snapshot; none is no error."""
        self._cache.drop_snapshot(check_run_id(execution_id))

    def list_snapshots(self, tenant_id: str, limit: int = 100) -> list[str]:
        """Return up to ``limit`` ids of a tenant's executions that have one, newest first."""
        if not is_count(limit):
            msg = f"not a limit: {shown(limit)}"
            raise InvalidInputError(msg, hint="a whole number from 0")
        return self._cache.snapshots(check_text("tenant_id", tenant_id) or "", limit)

    def set(
        self,
        key: str,
        value: bytes | bytearray | memoryview,
        ttl: float | timedelta | None = None,
    ) -> None:
        """Keep the value of a key, in place of any other, for ``ttl`` seconds if given.

        With 0 it has expired at once. Keys of an execution begin with ``exec:{id}:``.
        """
        data = _bytes(_check_key(key), value)
        lasts = None if ttl is None else _seconds(ttl)
        if lasts is None:
            self._cache.keep_value(key, data, None)
        elif not lasts:
            self._cache.drop_value(key)
        else:
            try:
                expires = self._clock() + lasts
            except OverflowError:
                # Past the end of the calendar: it outlives every clock.
                expires = None
            self._cache.keep_value(key, data, expires)

    def get(self, key: str) -> bytes | None:
        """Return the value of a key; None when it is absent or has expired."""
        return self._cache.value(_check_key(key), self._clock())

    def delete(self, key: str) -> None:
        """Remove a key; none is no error."""
        self._cache.drop_value(_check_key(key))

    def exists(self, key: str) -> bool:
        """Tell whether a key has a value that has not expired."""
        return self.get(key) is not None

    def set_json(self, key: str, value: Json, ttl: float | timedelta | None = None) -> None:
        """Keep a JSON value; InvalidInputError for what JSON does not have."""
        self.set(key, json_text(f"the value of {key!r}", value).encode(), ttl)

    def get_json(self, key: str) -> Json:
        """Return the JSON value of a key; None when it is absent, has expired, or is null.

        Raises InvalidInputError for a value that is not JSON.
        """
        data = self.get(key)
        value: Json = None if data is None else json_value(f"the value of {key!r}", data)
        return value

    def delete_execution_state(self, execution_id: str) -> None:
        """Remove an execution's snapshot, and every key that begins with ``exec:{id}:``."""
        self._cache.drop_snapshot(check_run_id(execution_id))
        self._cache.drop_values(f"exec:{execution_id}:")

    def sweep(self) -> int:
        """Remove every key that has expired; return how many there were."""
        return self._cache.sweep(self._clock())

    def name(self) -> str:
        """Return what keeps it: ``sqlite`` or ``memory``."""
        return self._cache.name()

    def requires_network(self) -> bool:
        """Tell whether it needs the network."""
        return self._cache.requires_network()

    def health_check(self) -> None:
        """Return when something can be kept; a damaged file is replaced. Raises StorageError."""
        self._cache.health_check()

    def close(self) -> None:
        """Release what keeps it; idempotent."""
        self._cache.close()

    def _is_invalid(self, cached: CachedSnapshot | None) -> bool:
        if cached is None:
            return False
        return self._histories.freshness(cached, _opened(cached)) is Freshness.INVALID

    def _keep(self, snapshot: ExecutionSnapshot, history: bytes | None, *, force: bool) -> bool:
        assert snapshot.timestamp is not None  # noqa: S101 - the callers set it
        cached = CachedSnapshot(
            str(snapshot.execution_id),
            snapshot.tenant_id,
            snapshot.sequence_number,
            snapshot.timestamp,
            snapshot.to_json(),
            history,
        )
        return self._cache.keep_snapshot(cached, force=force)


def _opened(cached: CachedSnapshot | None) -> ExecutionSnapshot | None:
    if cached is None:
        return None
    try:
        return ExecutionSnapshot.from_json(cached.text)
    except InvalidInputError:
        # Another version wrote it.
        return None


def _check_key(key: object) -> str:
    if isinstance(key, str) and key and len(key) <= MAX_KEY and check_text("the key", key):
        return key
    msg = f"not a key: {shown(key)}"
    raise InvalidInputError(msg, hint=f"a key is a text of 1-{MAX_KEY} characters")


def _bytes(key: str, value: object) -> bytes:
    if not isinstance(value, bytes | bytearray | memoryview):
        msg = f"the value of {key!r} must be bytes, not {type(value).__name__}"
        raise InvalidInputError(msg, hint="set_json keeps values of other types")
    data = bytes(value)
    if len(data) > MAX_VALUE:
        msg = f"the value of {key!r} is {len(data)} bytes long, over the limit of {MAX_VALUE}"
        raise InvalidInputError(msg, hint="store it as an object and keep its digest")
    return data


def _seconds(ttl: object) -> timedelta | None:
    """Return how long; None for longer than the calendar."""
    if isinstance(ttl, timedelta) and ttl >= timedelta():
        return ttl
    # What is no number is not below infinity, either; isfinite takes no integer of any size.
    if isinstance(ttl, int | float) and not isinstance(ttl, bool) and 0 <= ttl < inf:
        try:
            return timedelta(seconds=ttl)
        except OverflowError:
            return None
    msg = f"not a time to live: {shown(ttl)}"
    raise InvalidInputError(msg, hint="seconds from 0 on, or None for no end")
