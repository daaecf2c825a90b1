"""The EventStore: executions as logs of typed events. An execution is a run, seen another way."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from aivcs.domain.batch import Batch, Reference
from aivcs.domain.counting import at_most, whole
from aivcs.domain.execution import ExecutionState
from aivcs.domain.executions import lifecycle
from aivcs.domain.executions.data import StoredEvent
from aivcs.domain.executions.parsing import event_from_stored
from aivcs.domain.log_writes import Append, NewRun
from aivcs.domain.names import check_run_id, check_text
from aivcs.domain.run import RunMetadata, RunStatus, RunSummary
from aivcs.domain.shown import shown
from aivcs.domain.stream import Family, RunQuery
from aivcs.errors import ConflictError, InvalidInputError, InvalidName
from aivcs.services import bodies, following
from aivcs.services.drafting import STATUSES, draft_events

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from aivcs.domain.canonical import Json
    from aivcs.domain.executions.data import ExecutionEventData
    from aivcs.domain.log_writes import EndRun
    from aivcs.domain.run import RunId
    from aivcs.domain.stream import Entry, Stream
    from aivcs.ports import Clock, Ledger, Pause
    from aivcs.services.drafting import Drafted
    from aivcs.services.objects import CasStore
    from aivcs.services.runs import RunLedger

MAX_TENANT: Final = 256
"""The longest tenant id, in characters."""
_REMEMBERED: Final = 1000


class EventStore:
    """Executions under the names and promises of the source system's EventStore.

    Every call is durable when it returns. Sequences are 1, 2, 3 ... in each execution; the
    first append creates it, for the tenant that appends. ``execution_*`` events move it, and
    are refused where the move is not legal. A run that the RunLedger created has no tenant
    and takes events of every one. An id may be plain text, an event a typed value or an
    object tagged ``type``.
    """

    def __init__(
        self, ledger: Ledger, objects: CasStore, runs: RunLedger, clock: Clock, pause: Pause
    ) -> None:
        self._ledger = ledger
        self._objects = objects
        self._runs = runs
        self._clock = clock
        self._pause = pause
        self._tenants: dict[str, str | None] = {}

    def append(
        self,
        execution_id: RunId | str,
        tenant_id: str,
        event: ExecutionEventData | Mapping[str, object],
        *,
        expected_seq: int | None = None,
        idempotency_key: str | None = None,
        epoch: int | None = None,
    ) -> int:
        """Append one event and return its sequence; raises as ``append_batch``."""
        return self.append_batch(
            execution_id,
            tenant_id,
            (event,),
            expected_seq=expected_seq,
            idempotency_key=idempotency_key,
            epoch=epoch,
        )

    def append_batch(
        self,
        execution_id: RunId | str,
        tenant_id: str,
        events: Iterable[ExecutionEventData | Mapping[str, object]],
        *,
        expected_seq: int | None = None,
        idempotency_key: str | None = None,
        epoch: int | None = None,
    ) -> int:
        """Append several events, all or none, and return the sequence of the first.

        ``expected_seq`` must be the last sequence, 0 for none. The same events under the
        same ``idempotency_key`` are stored once. ``epoch`` is that of the run's lease,
        by default of the one that this process has. Raises
        InvalidEvent (the message names the field), InvalidInputError (no event, another
        tenant), InvalidRunState (ended, or the move is not legal), WrongExpectedSequence,
        ConflictError (the key stands for other events), Fenced, StorageError.
        """
        run_id = _checked(execution_id)
        wanted = _Wanted(
            run_id=run_id,
            tenant=_tenant(tenant_id),
            expected=None if expected_seq is None else whole("expected_seq", expected_seq),
            key=check_text("idempotency_key", idempotency_key),
            epoch=self._runs.epoch(run_id) if epoch is None else epoch,
        )
        now = self._clock()
        drafted = draft_events(self._objects, events, now, self._runs.salts)
        # What an artifact names must still be there when the event lands.
        with self._ledger.exclusive() if drafted.named else nullcontext():
            return self._append(wanted, drafted, now)

    def _append(self, wanted: _Wanted, drafted: Drafted, now: datetime) -> int:
        exists, tenant = self._owner(wanted.run_id)
        append = Append(
            Family.RUN,
            wanted.run_id,
            drafted.drafts,
            expected_size=wanted.expected,
            tenant=None if exists and tenant is None else wanted.tenant,
            key=wanted.key,
            epoch=wanted.epoch,
        )
        batch = Batch(
            objects=drafted.objects,
            runs=() if exists else (_new(wanted, now),),
            appends=(append,),
            references=tuple(
                Reference(digest, role, wanted.run_id)
                for digest, role in drafted.named
                if self._objects.contains(digest)
            ),
            ends=() if drafted.end is None else (self._end(wanted, drafted.end, now),),
        )
        try:
            return self._ledger.commit(batch).seqs[0][0]
        except ConflictError:
            if exists or not self._owner(wanted.run_id)[0]:
                raise
        # Somebody else created it meanwhile.
        return self._append(wanted, drafted, now)

    def _owner(self, run_id: str) -> tuple[bool, str | None]:
        """Tell whether there is this run, and its tenant; neither ever changes."""
        with suppress(KeyError):
            return True, self._tenants[run_id]
        head = self._head(run_id)
        if head is None:
            return False, None
        if len(self._tenants) >= _REMEMBERED:
            self._tenants.clear()
        self._tenants[run_id] = head.tenant
        return True, head.tenant

    def _end(self, wanted: _Wanted, event: ExecutionEventData, now: datetime) -> EndRun:
        reason: str | None = None
        match event:
            case lifecycle.ExecutionFailed():
                reason = event.error.message
            case lifecycle.ExecutionCancelled():
                reason = event.reason
            case _:
                pass
        if isinstance(event, lifecycle.ExecutionCompleted):
            lasted = event.duration_ms
        else:
            record = self._ledger.run(wanted.run_id)
            since = now if record is None else record.created_at
            lasted = max(0, round((now - since).total_seconds() * 1000))
        status = next(status for action, status in STATUSES.items() if action is event.ACTION)
        summary = RunSummary(0, None, lasted, success=status is RunStatus.COMPLETED)
        end, _ = self._runs.ending(wanted.run_id, status, summary, reason=reason, fresh=True)
        return replace(end, epoch=wanted.epoch, completed_at=now)

    def load_events(self, execution_id: RunId | str) -> list[StoredEvent]:
        """Return all events by sequence; none for an unknown execution."""
        return list(self.iter_events(execution_id))

    def load_events_after(self, execution_id: RunId | str, after_seq: int) -> list[StoredEvent]:
        """Return the events with a sequence greater than ``after_seq``."""
        return list(self.iter_events(execution_id, after=after_seq))

    def iter_events(
        self, execution_id: RunId | str, *, after: int = 0, limit: int | None = None
    ) -> Iterator[StoredEvent]:
        """Return an iterator over events with a sequence > ``after``, in constant memory.

        Raises InvalidInputError, and while reading MissingObject and IntegrityError.
        """
        run_id = _checked(execution_id)
        first = whole("after", after)
        return self._events(run_id, first, at_most(limit))

    def _events(self, run_id: str, after: int, limit: int | None) -> Iterator[StoredEvent]:
        head = self._head(run_id)
        if head is None:
            return
        tenant = head.tenant or ""
        entries = self._ledger.entries(Family.RUN, run_id, after=after, limit=limit)
        for entry, payload in bodies.payloads(self._objects, entries):
            yield _stored(run_id, tenant, entry, payload)

    def follow(
        self, execution_id: RunId | str, after: int = 0, *, pause: Pause | None = None
    ) -> Iterator[StoredEvent]:
        """Yield events with a sequence > ``after`` as they land, until the execution has ended.

        ``pause`` is called where there is nothing new; by default it waits a moment. Raises
        RunNotFound, at once, and as ``iter_events``.
        """
        run_id = _checked(execution_id)
        tenant = following.head(self._ledger, run_id).tenant or ""
        landed = following.follow(
            self._ledger,
            self._objects,
            run_id,
            after=whole("after", after),
            pause=pause or self._pause,
        )
        return (_stored(run_id, tenant, entry, payload) for entry, payload in landed)

    def get_latest_sequence(self, execution_id: RunId | str) -> int | None:
        """Return the sequence of the last event; None when there is none."""
        return self.count_events(execution_id) or None

    def count_events(self, execution_id: RunId | str) -> int:
        """Return how many events there are, which is the last one's sequence."""
        head = self._head(_checked(execution_id))
        return 0 if head is None else head.size

    def execution_exists(self, execution_id: RunId | str) -> bool:
        """Tell whether an execution has an event."""
        return self.count_events(execution_id) > 0

    def list_executions(
        self, tenant_id: str, limit: int | None = None, offset: int = 0
    ) -> list[RunId]:
        """Return the ids of a tenant's executions, the newest first; None is no limit."""
        query = RunQuery(
            tenant=_tenant(tenant_id),
            limit=at_most(limit),
            offset=whole("offset", offset),
        )
        return [record.run_id for record in self._ledger.runs(query)]

    def _head(self, run_id: str) -> Stream | None:
        return self._ledger.stream(Family.RUN, run_id)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What an append asks for besides its events."""

    run_id: str
    tenant: str
    expected: int | None
    key: str | None
    epoch: int | None


def _stored(run_id: str, tenant: str, entry: Entry, payload: Json) -> StoredEvent:
    event = event_from_stored(entry.kind, payload)
    erased = entry.commitment is not None
    return StoredEvent(entry.seq, run_id, tenant, event, entry.timestamp, erased=erased)


def _new(wanted: _Wanted, now: datetime) -> NewRun:
    return NewRun(
        wanted.run_id,
        None,
        RunMetadata(agent_name=""),
        now,
        tenant=wanted.tenant,
        state=ExecutionState.CREATED,
    )


def _checked(execution_id: object) -> str:
    if isinstance(execution_id, str):
        return check_run_id(execution_id)
    msg = f"not an execution id: {shown(execution_id)}"
    raise InvalidName(msg, hint="it is a text of 1-256 characters")


def _tenant(tenant_id: object) -> str:
    text = check_text("tenant_id", tenant_id)
    if text and len(text) <= MAX_TENANT:
        return text
    msg = f"not a tenant id: {text!r:.80}"
    raise InvalidInputError(msg, hint=f"a text of 1 to {MAX_TENANT} characters")
