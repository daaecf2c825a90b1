"""A run as one text of its own: its record, its events, and the digest that checks them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from aivcs.domain import moment, strictjson
from aivcs.domain.digest import Digest
from aivcs.domain.events import RunEvent, check_kind, check_seq
from aivcs.domain.names import check_run_id
from aivcs.domain.replay import replay_digest
from aivcs.domain.run import RunStatus
from aivcs.errors import DigestMismatch, InvalidInputError, InvalidSource

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from aivcs.domain.run import RunRecord


@dataclass(frozen=True, slots=True)
class TraceArtifact:
    """A run with all its events. ``spec_digest`` is None for an execution without a spec."""

    run_id: str
    spec_digest: Digest | None
    agent_name: str
    status: RunStatus
    created_at: datetime
    completed_at: datetime | None
    events: tuple[RunEvent, ...]
    replay_digest: Digest

    @classmethod
    def of(cls, record: RunRecord, events: Iterable[RunEvent]) -> TraceArtifact:
        """Return the trace of a run; ``events`` are all of it, in order."""
        kept = tuple(events)
        return cls(
            run_id=str(record.run_id),
            spec_digest=record.spec_digest,
            agent_name=record.metadata.agent_name,
            status=record.status,
            created_at=record.created_at,
            completed_at=record.completed_at,
            events=kept,
            replay_digest=replay_digest(kept),
        )

    def to_json(self) -> str:
        """Return the text of ``trace.json``; ``trace.digest`` beside it is the replay digest."""
        fields = {
            "run_id": self.run_id,
            "spec_digest": None if self.spec_digest is None else str(self.spec_digest),
            "agent_name": self.agent_name,
            "status": self.status.value,
            "created_at": moment.text(self.created_at),
            "completed_at": None if self.completed_at is None else moment.text(self.completed_at),
            "events": [_event_json(event) for event in self.events],
            "replay_digest": str(self.replay_digest),
            "event_count": len(self.events),
        }
        return json.dumps(fields, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, companion: str | None = None) -> TraceArtifact:
        """Read a trace and check it.

        ``companion`` is the text of ``trace.digest``, where there is one. Raises DigestMismatch
        when the trace, the companion and the events do not agree, InvalidSource when the
        text is no trace.
        """
        try:
            found = strictjson.loads(text if isinstance(text, str) else text.decode())
            trace = _read(found)
        except (ValueError, KeyError, TypeError, InvalidInputError) as error:
            msg = f"not a trace of a run: {error}"
            raise InvalidSource(msg, hint="a trace is what `aivcs run export` writes") from error
        stored = trace.replay_digest
        if companion is not None and companion.strip() != str(stored):
            raise _mismatch(trace.run_id, companion.strip(), stored)
        if (actual := replay_digest(trace.events)) != stored:
            raise _mismatch(trace.run_id, stored, actual)
        return trace


@dataclass(frozen=True, slots=True)
class TraceRetention:
    """Which traces to keep: none older than ``max_age_days``, and at most ``max_runs``."""

    max_age_days: int | None = None
    max_runs: int | None = None

    def outdated(self, created: Mapping[str, datetime], now: datetime) -> list[str]:
        """Return the names of the traces that go, the oldest last.

        Those strictly older than the limit of age go first; of the others the newest stay.
        """
        newest_first = sorted(created, key=lambda name: (created[name], name), reverse=True)
        gone: list[str] = []
        if self.max_age_days is not None:
            cutoff = now - timedelta(days=self.max_age_days)
            gone = [name for name in newest_first if created[name] < cutoff]
        kept = newest_first[: len(newest_first) - len(gone)]
        return gone if self.max_runs is None else [*kept[self.max_runs :], *gone]


def _event_json(event: RunEvent) -> dict[str, object]:
    when = None if event.timestamp is None else moment.text(event.timestamp)
    said: dict[str, object] = {
        "seq": event.seq,
        "kind": event.kind,
        "payload": event.payload,
        "timestamp": when,
    }
    return {**said, "erased": True} if event.erased else said


def _read(found: Any) -> TraceArtifact:  # noqa: ANN401 - any JSON value; what is wrong raises
    spec, completed_at = found["spec_digest"], found["completed_at"]
    trace = TraceArtifact(
        run_id=check_run_id(found["run_id"]),
        spec_digest=None if spec is None else Digest.parse(spec),
        agent_name=str(found["agent_name"]),
        status=RunStatus(str(found["status"]).upper()),
        created_at=moment.parse(found["created_at"]),
        completed_at=None if completed_at is None else moment.parse(completed_at),
        events=tuple(
            RunEvent(
                check_seq(event["seq"]),
                check_kind(event["kind"]),
                event["payload"],
                moment.parse(event["timestamp"]),
                erased=event.get("erased") is True,
            )
            for event in found["events"]
        ),
        replay_digest=Digest.parse(found["replay_digest"]),
    )
    if found["event_count"] != len(trace.events):
        msg = f"it says it has {found['event_count']} events, and has {len(trace.events)}"
        raise ValueError(msg)
    return trace


def _mismatch(run_id: str, expected: object, actual: Digest) -> DigestMismatch:
    msg = f"the trace of run {run_id} should have the replay digest {expected}, it has {actual}"
    return DigestMismatch(msg, hint="export the run again from the repository that recorded it")
