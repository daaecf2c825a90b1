"""A bisection as a run: what is asked, each answer as it comes, and the result."""

from __future__ import annotations

from collections import defaultdict, deque
from typing import TYPE_CHECKING, Any, Final, cast

from aivcs.domain import canonical
from aivcs.domain.bisect import Answer, Evaluation, Subject
from aivcs.domain.digest import Digest
from aivcs.domain.events import RunEvent
from aivcs.domain.kinds import BISECT_ENDED, BISECT_EVALUATED, BISECT_STARTED
from aivcs.domain.run import RunMetadata, RunStatus, RunSummary
from aivcs.errors import InvalidInputError, SequenceConflict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aivcs.domain.bisect import Bisection
    from aivcs.domain.canonical import Json
    from aivcs.domain.run import RunId
    from aivcs.ports import Clock
    from aivcs.services.runs import RunLedger

_FIELDS: Final = frozenset({"spec_digest", "seq", "components", "answer", "duration_ms"})
_RESTARTED: Final = "the bisection was begun anew"


class BisectLog:
    """The run of one bisection; it begins with the first answer, unless there is one."""

    def __init__(
        self,
        runs: RunLedger,
        clock: Clock,
        question: Mapping[str, Json],
        environment: Mapping[str, str],
    ) -> None:
        self._runs = runs
        self._clock = clock
        self._question = dict(question)
        self._environment = environment
        self._tag = str(Digest.of(canonical.dumps(self._question)))
        self._run_id: RunId | None = None
        self._next = 1
        self._answers: defaultdict[Digest, deque[Evaluation]] = defaultdict(deque)

    def take_up(self) -> bool:
        """Go on with the newest unfinished run of the same question, if there is one."""
        running = self._runs.list_runs(agent=str(self._question["name"]), status=RunStatus.RUNNING)
        for record in running:
            tags = record.metadata.tags
            if isinstance(tags, dict) and tags.get("question") == self._tag:
                events = list(self._runs.iter_events(record.run_id))
                answers = self._answers_in(events)
                # Anybody may begin a run with such a tag; one of another form is not gone on with.
                if answers is not None:
                    self._run_id, self._next = record.run_id, len(events) + 1
                    for known in answers:
                        self._answers[known.subject.spec_digest].append(known)
                    return True
        return False

    def _answers_in(self, events: Sequence[RunEvent]) -> list[Evaluation] | None:
        """Return the answers among a run's events; None where they are not as written here."""
        try:
            if events and (events[0].kind, events[0].payload) != (BISECT_STARTED, self._question):
                return None
            return [
                _evaluation(cast("Mapping[str, Any]", event.payload))
                for event in events
                if event.kind == BISECT_EVALUATED
            ]
        except (InvalidInputError, LookupError, TypeError, ValueError, AttributeError):
            return None

    @property
    def run_id(self) -> RunId:
        """The run, which begins when it is asked for."""
        if self._run_id is None:
            name = str(self._question["name"])
            bad = cast("Mapping[str, str]", self._question["bad"])
            metadata = RunMetadata(
                name, tags={"bisect": name, "question": self._tag}, environment=self._environment
            )
            self._run_id = self._runs.create_run(bad["spec_digest"], metadata)
        return self._run_id

    def answered(self, spec: Digest) -> Evaluation | None:
        """Return the next answer that was recorded of a spec before, each one once."""
        known = self._answers[spec]
        return known.popleft() if known else None

    def evaluated(self, evaluation: Evaluation) -> None:
        """Record an answer, durably."""
        self._append(BISECT_EVALUATED, evaluation.to_json())

    def ended(self, found: Bisection) -> None:
        """Record the result and end the run: COMPLETED where the first bad one was found."""
        result = found.to_json()
        del result["evaluations"], result["run_id"]
        self._append(BISECT_ENDED, result)
        told = found.first_bad is not None
        reason = None if told else "the first bad release could not be told apart"
        self._end(RunStatus.COMPLETED if told else RunStatus.FAILED, reason)

    def forget(self) -> None:
        """Cancel the unfinished run of the same question, if there is one."""
        if self.take_up():
            self._end(RunStatus.CANCELLED, _RESTARTED)
            self._run_id, self._next = None, 1
            self._answers.clear()

    def _end(self, status: RunStatus, reason: str | None) -> None:
        lasted = self._clock() - self._runs.get_run(self.run_id).created_at
        milliseconds = max(0, round(lasted.total_seconds() * 1000))
        summary = RunSummary(0, None, milliseconds, success=status is RunStatus.COMPLETED)
        self._runs.end_run(self.run_id, status, summary, reason=reason)

    def _append(self, kind: str, payload: dict[str, Json]) -> None:
        if self._next == 1:
            self._store(BISECT_STARTED, self._question)
        self._store(kind, payload)

    def _store(self, kind: str, payload: dict[str, Json]) -> None:
        # Of two processes that go on with one bisection, one is told at its next answer.
        try:
            self._runs.append_event(self.run_id, RunEvent(self._next, kind, payload))
        except SequenceConflict as error:
            msg = f"another process goes on with the same bisection, run {self.run_id}"
            raise SequenceConflict(msg, hint="let it end, or begin anew with --restart") from error
        self._next += 1


def _evaluation(payload: Mapping[str, Any]) -> Evaluation:
    """Return a payload as the answer that it is; any error of a lookup where it is none."""
    return Evaluation(
        Subject(Digest.parse(payload["spec_digest"]), payload["seq"], tuple(payload["components"])),
        Answer(payload["answer"]),
        {name: value for name, value in payload.items() if name not in _FIELDS},
        payload["duration_ms"],
    )
