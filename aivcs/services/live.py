"""A run while it happens: events as they come, artifacts, checkpoints, and its end."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from aivcs.domain import canonical
from aivcs.domain.batch import Append, Batch, Reference, Role
from aivcs.domain.commitment import SALT_SIZE
from aivcs.domain.events import check_kind
from aivcs.domain.run import RunStatus, RunSummary
from aivcs.domain.stream import Family
from aivcs.errors import AivcsError, RepositoryClosed
from aivcs.services import bodies

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Self

    from aivcs.domain.batch import Draft
    from aivcs.domain.digest import Digest
    from aivcs.domain.run import RunId, RunRecord
    from aivcs.domain.stored import StoredObject
    from aivcs.domain.stream import Entry
    from aivcs.ports import Clock, Ledger
    from aivcs.services.intake import Content
    from aivcs.services.objects import CasStore
    from aivcs.services.owning import HeldLease
    from aivcs.services.runs import RunLedger

_MANY_EVENTS: Final = 100
_MANY_BYTES: Final = 256 * 1024
_PATIENCE_SECONDS: Final = 0.1


class LiveRun:
    """A RUNNING run as a context manager.

    A clean exit completes the run; an exception fails it and is raised again;
    KeyboardInterrupt cancels it. Buffered events are durable after ``flush()``, after
    every read of the run through this object, and at the end; without buffering each
    event is durable when ``event()`` returns. Safe to use from several threads; in a
    forked child every call raises RepositoryClosed.
    """

    def __init__(
        self,
        run_id: RunId,
        runs: RunLedger,
        objects: CasStore,
        ledger: Ledger,
        clock: Clock,
        *,
        buffered: bool,
    ) -> None:
        self.run_id = run_id
        self._runs = runs
        self._objects = objects
        self._ledger = ledger
        self._clock = clock
        self._buffered = buffered
        self._started = clock()
        self._process = os.getpid()
        self._lock = threading.RLock()
        self._drafts: list[Draft] = []
        self._stored: list[StoredObject] = []
        self._references: list[Reference] = []
        self._bytes = 0
        self._since: datetime | None = None
        self._ended = False
        self._sent: tuple[Draft, ...] = ()
        self._seen = 0

    def event(
        self, kind: str, payload: object = None, *, timestamp: datetime | None = None
    ) -> None:
        """Record an event; the payload is encoded before this returns.

        Raises InvalidEvent, InvalidRunState (the run has ended), StorageError.
        """
        self._require_own_process()
        now = self._clock()
        body = {} if payload is None else payload
        salt = self._runs.salts(SALT_SIZE)
        draft, stored = bodies.draft(
            self._objects, check_kind(kind), body, timestamp, now, salt=salt
        )
        with self._lock:
            self._drafts.append(draft)
            self._bytes += len(draft.body or "")
            if stored is not None:
                self._stored.append(stored)
                self._bytes += len(stored.data or b"")
            self._since = self._since or now
            if self._is_due(now):
                self.flush()

    def _is_due(self, now: datetime) -> bool:
        waited = (now - self._since).total_seconds() if self._since else 0
        return (
            not self._buffered
            or len(self._drafts) >= _MANY_EVENTS
            or self._bytes >= _MANY_BYTES
            or not 0 <= waited < _PATIENCE_SECONDS
        )

    def _require_own_process(self) -> None:
        if self._process != os.getpid():
            msg = f"run {self.run_id} was begun before this process was forked"
            raise RepositoryClosed(msg, hint="open the repository again in the child process")

    def artifact(self, name: str, data: bytes | str) -> Digest:
        """Store data the run produced and record it; a text is stored as UTF-8."""
        content = data.encode() if isinstance(data, str) else bytes(data)
        stored = self._objects.prepare(content)
        self._keep(stored, Role.ARTIFACT)
        self.event(
            "artifact_stored",
            {
                "artifact_id": name,
                "content_hash": str(stored.digest),
                "size_bytes": stored.size,
            },
        )
        return stored.digest

    def checkpoint(
        self, state: object, *, checkpoint_id: str | None = None, node_id: str = ""
    ) -> Digest:
        """Store a JSON state to resume from and record it.

        ``checkpoint_id`` defaults to the state's digest. Raises InvalidInputError for a
        state that is not JSON.
        """
        stored = self._objects.prepare(canonical.dumps(state))
        self._keep(stored, Role.CHECKPOINT)
        self.event(
            "checkpoint_saved",
            {
                "checkpoint_id": checkpoint_id or str(stored.digest),
                "node_id": node_id,
                "state_hash": str(stored.digest),
            },
        )
        return stored.digest

    def final_state(self, data: Content) -> Digest:
        """Store the state that the run ends in; it lands with the next events or the end.

        ``data`` is bytes, a path or a binary file. Raises InvalidInputError for what cannot
        be read, StorageError.
        """
        stored = self._objects.prepare(data)
        self._keep(stored, Role.STATE)
        return stored.digest

    def _keep(self, stored: StoredObject, role: Role) -> None:
        self._require_own_process()
        with self._lock:
            self._stored.append(stored)
            self._references.append(Reference(stored.digest, role, self.run_id))

    def flush(self) -> None:
        """Make every event recorded so far durable. Raises like ``event``."""
        self._require_own_process()
        with self._lock:
            batch = self._pending()
            if batch != Batch():
                self._commit(batch)

    def _commit(self, batch: Batch) -> None:
        """Commit what ``_pending`` gave, and remember it until that has surely landed."""
        self._sent = tuple(self._drafts)
        receipt = self._ledger.commit(batch)
        self._sent = ()
        for seqs in receipt.seqs:
            self._seen = seqs[-1]
        self._forget()

    def _drop_landed(self) -> None:
        """Forget drafts of a commit that failed and landed all the same."""
        sent = [_content(draft) for draft in self._sent]
        if not sent:
            return
        entries = self._ledger.entries(Family.RUN, self.run_id, after=self._seen)
        found = [_content(entry) for entry in entries]
        for at in range(len(found)):
            if found[at : at + len(sent)] == sent:
                del self._drafts[: len(sent)]
                self._seen += at + len(sent)
                break
        self._sent = ()

    def _pending(self) -> Batch:
        self._drop_landed()
        epoch = self._runs.epoch(self.run_id)
        append = Append(Family.RUN, self.run_id, tuple(self._drafts), epoch=epoch)
        return Batch(
            objects=tuple(self._stored),
            appends=(append,) if self._drafts else (),
            references=tuple(self._references),
        )

    def _forget(self) -> None:
        self._drafts.clear()
        self._stored.clear()
        self._references.clear()
        self._bytes = 0
        self._since = None

    def lease(self, holder: str | None = None, seconds: float = 30.0) -> HeldLease:
        """Own this run until the lease is let go of; see RunLedger.lease."""
        return self._runs.lease(self.run_id, holder, seconds, flush=self.flush)

    def record(self) -> RunRecord:
        """Return the run as the ledger has it, after a flush."""
        self.flush()
        return self._runs.get_run(self.run_id)

    def end(
        self,
        status: RunStatus,
        *,
        final_state: Digest | None = None,
        reason: str | None = None,
    ) -> RunRecord:
        """End the run; the last events and the end land in one transaction.

        When the end is refused, the events are made durable all the same. Raises
        InvalidRunState (also for a gap in a run to complete), StorageError.
        """
        self._require_own_process()
        with self._lock:
            try:
                self._end(status, final_state, reason)
            except AivcsError:
                with suppress(AivcsError):
                    self.flush()
                raise
            self._ended = True
        return self._runs.get_run(self.run_id)

    def _end(self, status: RunStatus, final_state: Digest | None, reason: str | None) -> None:
        lasted = self._clock() - self._started
        summary = RunSummary(
            total_events=0,
            final_state_digest=final_state,
            duration_ms=max(0, round(lasted.total_seconds() * 1000)),
            success=status is RunStatus.COMPLETED,
        )
        end, references = self._runs.ending(self.run_id, status, summary, reason=reason)
        pending = self._pending()
        self._commit(
            Batch(
                objects=pending.objects,
                appends=pending.appends,
                references=pending.references + references,
                ends=(end,),
            )
        )

    def __enter__(self) -> Self:
        """Return self."""
        return self

    def __exit__(self, _: object, error: BaseException | None, *rest: object) -> None:
        """End the run as the block ended, unless ``end`` did."""
        if self._ended:
            return
        if error is None or (isinstance(error, SystemExit) and not error.code):
            self.end(RunStatus.COMPLETED)
        elif isinstance(error, Exception | SystemExit):
            self.end(RunStatus.FAILED, reason=f"{type(error).__name__}: {error}")
        else:
            self.end(RunStatus.CANCELLED, reason=type(error).__name__)


def _content(item: Draft | Entry) -> tuple[object, ...]:
    """Return what tells one event of this run from another."""
    return item.kind, item.body, item.object, item.timestamp, item.recorded_at
