"""The RunLedger: runs, their events and how they end."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, cast

from aivcs.domain import jsontext
from aivcs.domain.batch import Batch, Reference, Role
from aivcs.domain.counting import at_most, integer
from aivcs.domain.digest import Digest
from aivcs.domain.events import RunEvent, check_kind
from aivcs.domain.log_writes import Append, EndRun, NewRun
from aivcs.domain.names import check_name, check_run_id, check_text
from aivcs.domain.run import RunId, RunMetadata, RunStatus, check_move, check_summary
from aivcs.domain.shown import shown
from aivcs.domain.stream import Family, RunQuery
from aivcs.errors import InvalidEvent, InvalidInputError, RunNotFound
from aivcs.services import bodies

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from datetime import timedelta

    from aivcs.domain.lease import LeaseToken
    from aivcs.domain.run import RunRecord, RunSummary, Source
    from aivcs.ports import Clock, Ids, Ledger, Salts
    from aivcs.services.erasing import Forget, Purged
    from aivcs.services.objects import CasStore
    from aivcs.services.owning import HeldLease, Resumption
    from aivcs.services.reaping import Abandoned


class RunLedger:
    """Runs under the names and promises of the source system's RunLedger.

    Every call is durable when it returns. A plain text serves where a run id is asked.
    ``lease`` is that of the process that started this one: it writes to that run under it.
    """

    def __init__(
        self,
        ledger: Ledger,
        objects: CasStore,
        clock: Clock,
        ids: Ids,
        salts: Salts = os.urandom,
        lease: LeaseToken | None = None,
    ) -> None:
        self._ledger = ledger
        self._objects = objects
        self._clock = clock
        self._ids = ids
        self._epochs = {} if lease is None else {lease.run_id: lease.epoch}
        self._forget: Forget | None = None
        self.salts = salts

    def forgetting(self, forget: Forget) -> RunLedger:
        """Let what is kept of a purged run beside the ledger go by ``forget``; return self."""
        self._forget = forget
        return self

    def epoch(self, run_id: RunId | str) -> int | None:
        """Return the epoch under which this process writes to a run; None without a lease."""
        return self._epochs.get(str(run_id))

    def create_run(self, spec_digest: Digest | str, metadata: RunMetadata) -> RunId:
        """Begin a run, RUNNING, and return its new id.

        Raises SpecNotFound, InvalidName, InvalidInputError (tags or an environment that are
        not JSON, or nested too deeply).
        """
        new = self.prepare(spec_digest, metadata)
        self._ledger.commit(Batch(runs=(new,)))
        return RunId(new.run_id)

    def prepare(
        self,
        spec_digest: Digest | str,
        metadata: RunMetadata,
        *,
        run_id: str | None = None,
        source: Source | None = None,
    ) -> NewRun:
        """Return the part of a batch that begins a run; ``run_id`` None makes one."""
        name = check_name(metadata.agent_name)
        if (seen := metadata.environment) is not None:
            jsontext.encode(dict(seen))
        checked = RunMetadata(
            agent_name=name,
            git_sha=check_text("git_sha", metadata.git_sha),
            tags=jsontext.decode(jsontext.encode(metadata.tags)),
            environment=None if seen is None else dict(seen),
        )
        identity = check_run_id(self._ids() if run_id is None else run_id)
        return NewRun(identity, Digest.parse(spec_digest), checked, self._clock(), source)

    def append_event(self, run_id: RunId | str, event: RunEvent, *, check: bool = False) -> int:
        """Append one event and return its seq.

        ``event.seq`` None takes the next number. A seq ahead of the next waits until the
        gap is closed; an equal event under its own seq is stored once. With ``check`` the
        kind must be a known one and have the fields it requires. Raises RunNotFound,
        InvalidRunState, SequenceConflict, InvalidEvent.
        """
        return self.append_events(run_id, (event,), check=check)[0]

    def append_events(
        self, run_id: RunId | str, events: Iterable[RunEvent], *, check: bool = False
    ) -> tuple[int, ...]:
        """Append several events in one transaction and return their seqs; all or none."""
        batch = self.appending(run_id, events, check=check)
        return self._ledger.commit(batch).seqs[0]

    def appending(
        self, run_id: RunId | str, events: Iterable[RunEvent], *, check: bool = False
    ) -> Batch:
        """Return the batch that appends ``events``, checked against the known kinds if asked.

        Where an event cannot be encoded, an unknown or ended run is the error that counts.
        """
        given = list(events)
        now = self._clock()
        try:
            for event in given:
                check_kind(event.kind)
                if check:
                    from aivcs.domain.kinds import check_kind_payload

                    check_kind_payload(event.kind, event.payload)
            salts = bodies.drawn(self.salts, len(given))
            drafts, stored = bodies.drafts(self._objects, given, now, salts)
        except (InvalidEvent, AttributeError):
            self._require_running(run_id)
            odd = [one for one in cast("list[object]", given) if not isinstance(one, RunEvent)]
            if not odd:
                raise
            msg = f"not an event: {shown(odd[0])}"
            raise InvalidEvent(msg, hint="an event is a RunEvent") from None
        append = Append(Family.RUN, str(run_id), drafts, epoch=self.epoch(run_id))
        return Batch(objects=tuple(stored), appends=(append,))

    def complete_run(self, run_id: RunId | str, summary: RunSummary) -> None:
        """End a run well. Raises RunNotFound, InvalidRunState (also for a gap), InvalidSummary."""
        self.end_run(run_id, RunStatus.COMPLETED, summary)

    def fail_run(self, run_id: RunId | str, summary: RunSummary) -> None:
        """End a run badly. Raises RunNotFound, InvalidRunState, InvalidSummary."""
        self.end_run(run_id, RunStatus.FAILED, summary)

    def cancel_run(self, run_id: RunId | str, summary: RunSummary) -> None:
        """End a run early. Raises RunNotFound, InvalidRunState, InvalidSummary."""
        self.end_run(run_id, RunStatus.CANCELLED, summary)

    def end_run(
        self,
        run_id: RunId | str,
        status: RunStatus,
        summary: RunSummary,
        *,
        reason: str | None = None,
    ) -> None:
        """Make a terminal move; the events are counted by the ledger, not by ``summary``."""
        # The state that is kept for the run must still be there when the run ends.
        with self._ledger.exclusive():
            end, references = self.ending(run_id, status, summary, reason=reason)
            self._ledger.commit(Batch(ends=(end,), references=references))

    def ending(
        self,
        run_id: RunId | str,
        status: RunStatus,
        summary: RunSummary,
        *,
        reason: str | None = None,
        fresh: bool = False,
    ) -> tuple[EndRun, tuple[Reference, ...]]:
        """Return the parts of a batch that end a run.

        A final state that is stored here is kept for the run; one stored elsewhere is only
        its digest. What no database can store of ``reason`` is escaped. ``fresh`` says that
        the run begins in the same batch.
        """
        if not fresh:
            check_move(run_id, self.get_run(run_id).status, status)
        check_summary(str(run_id), status, summary)
        final = summary.final_state_digest
        state = None if final is None else Digest.parse(final)
        end = EndRun(
            run_id=str(run_id),
            status=status,
            success=summary.success,
            duration_ms=summary.duration_ms,
            final_state=state,
            completed_at=self._clock(),
            reason=None if reason is None else _storable(reason),
            epoch=self.epoch(run_id),
        )
        if state is None or not self._objects.contains(state):
            return end, ()
        return end, (Reference(state, Role.STATE, str(run_id)),)

    def get_run(self, run_id: RunId | str) -> RunRecord:
        """Return a run; RunNotFound when there is none."""
        record = self._ledger.run(str(run_id))
        if record is None:
            msg = f"no run {run_id}"
            raise RunNotFound(msg, hint="'aivcs run list' lists the runs")
        return record

    def get_events(self, run_id: RunId | str) -> list[RunEvent]:
        """Return all events by seq, early ones too; RunNotFound for an unknown run."""
        return list(self.iter_events(run_id))

    def iter_events(
        self,
        run_id: RunId | str,
        *,
        after: int = 0,
        limit: int | None = None,
        kinds: Collection[str] = (),
    ) -> Iterator[RunEvent]:
        """Return an iterator over events with seq > ``after``, in constant memory.

        Of ``kinds`` if any are given. Raises RunNotFound, InvalidInputError for another
        number or a negative limit.
        """
        from aivcs.domain.several import several
        from aivcs.services.reading import read_events

        self.get_run(run_id)
        parts = self._ledger, self._objects, str(run_id)
        kinds = several(kinds, "kinds")
        first = max(0, integer("after", after))
        return read_events(*parts, after=first, limit=at_most(limit), kinds=kinds)

    def list_runs(
        self,
        spec_digest: Digest | str | None = None,
        *,
        agent: str | None = None,
        status: RunStatus | str | None = None,
        limit: int | None = None,
        after: RunId | str | None = None,
    ) -> list[RunRecord]:
        """Return runs, the newest first; ``after`` is the last run of the page before.

        Raises RunNotFound for an unknown ``after``, InvalidInputError for an unknown status, a
        negative limit and other types.
        """
        query = RunQuery(
            spec_digest=None if spec_digest is None else Digest.parse(spec_digest),
            agent=check_text("agent", agent),
            status=None if status is None else read_status(status),
            after=None if after is None else str(after),
            limit=at_most(limit),
        )
        return self._ledger.runs(query)

    def lease(
        self,
        run_id: RunId | str,
        holder: str | None = None,
        seconds: float = 30.0,
        *,
        beating: bool = True,
        flush: Callable[[], None] | None = None,
    ) -> HeldLease:
        """Take the lease of a run: from now on nobody writes to it but under this lease.

        It lasts ``seconds``, and is renewed in the background while ``beating``, until it is
        let go of; past its deadline others may take it over. ``holder`` is a name of its own,
        unless given; who has the same name takes it over at once. ``flush`` is called before it
        is let go of. Raises RunNotFound, InvalidRunState, Fenced, InvalidInputError.
        """
        from aivcs.services.owning import HeldLease, holder_name

        return HeldLease(
            self._ledger,
            self._clock,
            self._epochs,
            str(run_id),
            holder_name(self._ids) if holder is None else holder,
            seconds,
            beating=beating,
            flush=flush or (lambda: None),
        )

    def resume(
        self,
        run_id: RunId | str,
        holder: str | None = None,
        seconds: float | None = 30.0,
        *,
        beating: bool = True,
    ) -> Resumption:
        """Take up a RUNNING run where its last checkpoint left it, under a new lease.

        Who wrote to it before is fenced off. ``seconds`` None takes no lease and only looks.
        Raises as ``lease``, and InvalidEvent where the last checkpoint names no checkpoint or
        no node; nothing is held then.
        """
        from aivcs.domain.replay import find_resume_point
        from aivcs.services.owning import Resumption

        self._require_running(run_id)
        held = None if seconds is None else self.lease(run_id, holder, seconds, beating=beating)
        try:
            point = find_resume_point(self.iter_events(run_id))
        except BaseException:
            if held is not None:
                held.release()
            raise
        return Resumption(self.get_run(run_id), point, held)

    def abandoned(self, idle: timedelta | None = None) -> list[Abandoned]:
        """Return the runs that are RUNNING but seem to be left, and why, the newest first.

        Those are the ones whose lease is past its deadline; with ``idle`` also those that
        nobody holds and nothing was written to for so long.
        """
        from aivcs.services.reaping import Reaper

        return Reaper(self._ledger, self._clock, idle).abandoned()

    def reap(self, idle: timedelta | None = None, *, reason: str | None = None) -> list[RunRecord]:
        """Fail every abandoned run and return them, the newest first.

        ``reason`` is why, by default what made it an abandoned one. One that is written to or
        renewed meanwhile is left alone. Raises InvalidInputError, StorageError.
        """
        from aivcs.services.reaping import Reaper

        why = None if reason is None else _storable(reason)
        return Reaper(self._ledger, self._clock, idle).reap(why)

    def purge(
        self, run_id: RunId | str, seqs: Iterable[int] | None = None, *, files: bool = False
    ) -> Purged:
        """Erase the bodies of an ended run's events, of ``seqs`` or of all, early ones too.

        What remains proves that they existed, where, and when: the run's root and seal still
        hold. Erasing again changes nothing. Bodies that are objects go with the next
        ``gc(full=True)``, unless something else needs them; with ``files`` so do the run's
        source, artifacts, checkpoints and states. The state store's snapshot of the run goes at
        once, with ``files`` its values, too. Raises RunNotFound, InvalidRunState,
        InvalidInputError (no such event), StorageError.
        """
        from aivcs.services.erasing import purge

        let_go = self._clock() if files else None
        return purge(self._ledger, str(run_id), seqs, expired_at=let_go, forget=self._forget)

    def _require_running(self, run_id: RunId | str) -> None:
        record = self.get_run(run_id)
        if record.status.terminal:
            check_move(str(run_id), record.status, RunStatus.FAILED)


def _storable(text: str) -> str:
    """Return a text as every database can store it; what none can is escaped."""
    return text.encode(errors="backslashreplace").decode().replace("\0", "\\x00")


def read_status(text: str) -> RunStatus:
    """Return the status of this name, in any case; InvalidInputError for another word."""
    try:
        return RunStatus(str(text).upper())
    except ValueError:
        known = ", ".join(status.value for status in RunStatus)
        msg = f"not a run status: {text!r}"
        raise InvalidInputError(msg, hint=f"one of {known}") from None
