"""A run while it happens: events as they come, artifacts, checkpoints, and its end."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from aivcs.domain import canonical
from aivcs.domain.batch import Reference, Role
from aivcs.domain.events import check_kind
from aivcs.domain.run import RunStatus, RunSummary, invalid_state
from aivcs.errors import AivcsError, RepositoryClosed
from aivcs.services import bodies
from aivcs.services.buffering import Buffer, Urgency

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Self

    from aivcs.domain.digest import Digest
    from aivcs.domain.run import RunId, RunRecord
    from aivcs.ports import Clock, Ledger
    from aivcs.services.intake import Content
    from aivcs.services.objects import CasStore
    from aivcs.services.owning import HeldLease
    from aivcs.services.runs import RunLedger
    from aivcs.services.writing import Writer

_SALTS_AHEAD: Final = 64


class LiveRun:
    """A RUNNING run as a context manager.

    A clean exit completes the run; an exception fails it and is raised again;
    KeyboardInterrupt cancels it. With a ``writer`` an event waits in memory for a tenth of
    a second at most; it is durable after ``flush()``, after every read of the run through
    this object, and at the end. What the writer met is raised by the next call, and a run
    with an error that nobody was told of is not completed. Without a writer each event is
    durable when ``event()`` returns. Safe to use from several threads; in a forked child
    every call raises RepositoryClosed.
    """

    def __init__(
        self,
        run_id: RunId,
        runs: RunLedger,
        objects: CasStore,
        ledger: Ledger,
        clock: Clock,
        *,
        writer: Writer | None,
    ) -> None:
        self.run_id = run_id
        self._runs = runs
        self._objects = objects
        self._clock = clock
        self._writer = writer
        self._started = clock()
        self._process = os.getpid()
        self._salts: list[bytes] = []
        self._encode = bodies.encoder()
        self._buffer = Buffer(ledger, run_id, lambda: runs.epoch(run_id))
        self._status = RunStatus.RUNNING

    def event(
        self, kind: str, payload: object = None, *, timestamp: datetime | None = None
    ) -> None:
        """Record an event; the payload is encoded before this returns.

        Buffered, it returns without waiting for the disk, unless 10,000 events or 8 MiB wait
        already. Raises InvalidEvent, InvalidRunState (the run has ended), StorageError.
        """
        self._check()
        if self._status is not RunStatus.RUNNING:
            raise invalid_state(self.run_id, self._status)
        now = self._clock()
        body = {} if payload is None else payload
        draft, stored = bodies.draft(
            self._objects, check_kind(kind), body, timestamp, now, self._salt(), encode=self._encode
        )
        urgency = self._buffer.add(draft, stored)
        if self._writer is None or urgency is Urgency.WAIT:
            self._buffer.commit()
        elif urgency is not None:
            self._expect(self._writer, urgency)

    def _expect(self, writer: Writer, urgency: Urgency) -> None:
        try:
            writer.expect(self._buffer, urgency)
        except BaseException:
            self._buffer.untold()
            raise

    def _salt(self) -> bytes:
        """Return one of the salts that were drawn ahead; who comes at the same time has another."""
        try:
            return self._salts.pop()
        except IndexError:
            salt, *others = bodies.drawn(self._runs.salts, _SALTS_AHEAD)
            self._salts.extend(reversed(others))
            return salt

    def _check(self) -> None:
        """Raise what the writer met, and refuse to be used in another process."""
        self._require_own_process()
        if (error := self._buffer.error) is not None:
            self._buffer.error = None
            raise error

    def _require_own_process(self) -> None:
        if self._process != os.getpid():
            msg = f"run {self.run_id} was begun before this process was forked"
            raise RepositoryClosed(msg, hint="open the repository again in the child process")

    def artifact(self, name: str, data: bytes | str) -> Digest:
        """Store data the run produced and record it; a text is stored as UTF-8."""
        self._check()
        content = data.encode() if isinstance(data, str) else bytes(data)
        stored = self._objects.prepare(content)
        self._buffer.keep(stored, Reference(stored.digest, Role.ARTIFACT, self.run_id))
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
        self._check()
        stored = self._objects.prepare(canonical.dumps(state))
        self._buffer.keep(stored, Reference(stored.digest, Role.CHECKPOINT, self.run_id))
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
        self._check()
        stored = self._objects.prepare(data)
        self._buffer.keep(stored, Reference(stored.digest, Role.STATE, self.run_id))
        return stored.digest

    def flush(self) -> None:
        """Make every event recorded so far durable. Raises like ``event``."""
        self._check()
        self._buffer.commit()

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
        with self._buffer.writing:
            try:
                if status is RunStatus.COMPLETED:
                    self._check()
                self._end(status, final_state, reason)
            except AivcsError:
                with suppress(AivcsError):
                    self._buffer.commit()
                raise
            self._status = status
            if self._writer is not None:
                self._writer.forget(self._buffer)
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
        self._buffer.commit(end, references)

    def __enter__(self) -> Self:
        """Return self."""
        return self

    def __exit__(self, _: object, error: BaseException | None, *rest: object) -> None:
        """End the run as the block ended, unless ``end`` did."""
        if self._status is not RunStatus.RUNNING:
            return
        if error is None or (isinstance(error, SystemExit) and not error.code):
            self.end(RunStatus.COMPLETED)
        elif isinstance(error, Exception | SystemExit):
            self.end(RunStatus.FAILED, reason=f"{type(error).__name__}: {error}")
        else:
            self.end(RunStatus.CANCELLED, reason=type(error).__name__)
