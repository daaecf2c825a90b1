"""Replaying runs: what their events add up to, their fingerprints, and how two differ."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from aivcs.domain import replay, strictjson
from aivcs.domain.digest import Digest
from aivcs.domain.executions.log import LogFold
from aivcs.domain.kinds import CHECKPOINT_SAVED
from aivcs.domain.replay import Fingerprints, ReplaySummary
from aivcs.domain.rundiff import RunSide, diff_runs
from aivcs.domain.several import several
from aivcs.domain.trace import TraceArtifact
from aivcs.errors import InvalidInputError, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aivcs.domain.canonical import Json
    from aivcs.domain.events import RunEvent
    from aivcs.domain.executions.model import Execution
    from aivcs.domain.replay import ResumePoint
    from aivcs.domain.run import RunId, RunRecord
    from aivcs.domain.rundiff import RunDiff
    from aivcs.ports import Ledger
    from aivcs.services.objects import CasStore
    from aivcs.services.runs import RunLedger


@dataclass(frozen=True, slots=True)
class Replay:
    """A replayed run: its fingerprints, and the execution that its events add up to.

    ``passed_over`` counts events that could not follow those before them: entries of the
    RunLedger whose kind says more than they did.
    """

    summary: ReplaySummary
    execution: Execution
    passed_over: int


class Replayer:
    """Reads runs again, in constant memory where nothing else is said.

    A run that is still RUNNING is read up to where it is. Every call raises RunNotFound, and
    MissingObject or IntegrityError where a body is gone or damaged.
    """

    def __init__(self, ledger: Ledger, objects: CasStore, runs: RunLedger) -> None:
        self._ledger = ledger
        self._objects = objects
        self._runs = runs

    def replay(self, run_id: RunId | str) -> Replay:
        """Return the digests of a run's events, and the fold of its log."""
        record = self._runs.get_run(run_id)
        found, fold = Fingerprints(), LogFold(record)
        for event in self._events(record):
            found.add(event)
            if event.seq is not None and event.seq <= record.total_events:
                fold.add(event)
        return Replay(ReplaySummary.of(record, found), fold.result(), fold.passed_over)

    def replay_digest(self, run_id: RunId | str) -> Digest:
        """Return the digest of a run's events, times and all."""
        return self._fingerprints(run_id).replay_digest()

    def behaviour_digest(self, run_id: RunId | str) -> Digest:
        """Return the digest of what a run's events say, whenever it happened."""
        return self._fingerprints(run_id).behaviour_digest()

    def _fingerprints(self, run_id: RunId | str) -> Fingerprints:
        found = Fingerprints()
        for event in self._events(self._runs.get_run(run_id)):
            found.add(event)
        return found

    def _events(self, record: RunRecord) -> Iterator[RunEvent]:
        """Yield the events that the run had with ``record``, early ones too."""
        early = self._ledger.waiting(str(record.run_id))
        last = max(early, default=record.total_events)
        for event in takewhile(
            lambda event: (event.seq or 0) <= last, self._runs.iter_events(record.run_id)
        ):
            if (event.seq or 0) <= record.total_events or event.seq in early:
                yield event

    def verify_spec_digest(self, run_id: RunId | str, expected: Digest | str) -> None:
        """Raise DigestMismatch unless the run is one of the spec ``expected``."""
        replay.verify_spec_digest(self._runs.get_run(run_id), Digest.parse(expected))

    def find_resume_point(self, run_id: RunId | str) -> ResumePoint | None:
        """Return the last checkpoint of a run with what came before and since, or None.

        Takes memory for all events. Raises InvalidEvent for a last checkpoint that does not
        name itself and its node.
        """
        return replay.find_resume_point(self._events(self._runs.get_run(run_id)))

    def trace(self, run_id: RunId | str) -> TraceArtifact:
        """Return a run with all its events as one value."""
        record = self._runs.get_run(run_id)
        return TraceArtifact.of(record, self._events(record))

    def diff(
        self, a: RunId | str, b: RunId | str, pointers: Sequence[str] | None = None
    ) -> RunDiff:
        """Compare two runs with the states they ended in; takes memory for all events of both.

        A final state, or that of the last checkpoint, counts where it is stored here as JSON.
        ``pointers`` (RFC 6901) say which parts of the states are compared. Raises
        InvalidInputError for a text that is none.
        """
        wanted = None if pointers is None else several(pointers, "pointers")
        return diff_runs(self._side(a), self._side(b), wanted)

    def _side(self, run_id: RunId | str) -> RunSide:
        record = self._runs.get_run(run_id)
        events = list(self._events(record))
        final = record.summary and record.summary.final_state_digest
        state = None if final is None else self._state(str(final))
        if state is None:
            state = self._state(_last_checkpoint(events))
        return RunSide(record, events, state)

    def _state(self, digest: str) -> Json:
        """Return the state of this digest, None where it is not stored here or is no JSON."""
        try:
            state: Json = strictjson.loads(self._objects.get(digest).decode())
        except (InvalidInputError, NotFound, ValueError):
            return None
        return state


def _last_checkpoint(events: Sequence[RunEvent]) -> str:
    """Return what the last checkpoint calls its state."""
    saved = next((one.payload for one in reversed(events) if one.kind == CHECKPOINT_SAVED), None)
    named = saved.get("state_hash") if isinstance(saved, dict) else None
    return named if isinstance(named, str) else ""
