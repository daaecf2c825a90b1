"""Fingerprints of what a run did, and the point it can be resumed from."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aivcs.domain import jsontext
from aivcs.domain.behaviour import Behaviour
from aivcs.domain.digest import Digest
from aivcs.domain.kinds import CHECKPOINT_SAVED
from aivcs.errors import DigestMismatch, InvalidEvent

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from aivcs.domain.canonical import Json
    from aivcs.domain.events import RunEvent
    from aivcs.domain.run import RunRecord, RunStatus

_MILLISECOND: Final = 1000


class Fingerprints:
    """Both digests of a run's events, taken in one pass and in constant memory."""

    def __init__(self) -> None:
        """Begin before the first event."""
        self.count = 0
        self._said = Behaviour()
        self._replay = hashlib.sha256(b"[")
        self._behaviour = hashlib.sha256(b"[")

    def add(self, event: RunEvent) -> None:
        """Take in the next event, which has a seq and a timestamp."""
        comma = b"," if self.count else b""
        self._replay.update(comma + _as_replayed(event).encode())
        self._behaviour.update(comma + self._as_behaviour(event))
        self.count += 1

    def _as_behaviour(self, event: RunEvent) -> bytes:
        said = {"kind": event.kind, "payload": self._said.of(event)}
        return json.dumps(said, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()

    def replay_digest(self) -> Digest:
        """Return the digest that ``replay_digest`` gives for the events so far."""
        return _closed(self._replay)

    def behaviour_digest(self) -> Digest:
        """Return the digest that ``behaviour_digest`` gives for the events so far."""
        return _closed(self._behaviour)


def replay_digest(events: Iterable[RunEvent]) -> Digest:
    """Return the SHA-256 of the events as one compact JSON array in UTF-8.

    Each is an object with seq, kind, payload and timestamp, in this order; keys of payloads
    keep theirs. Times are RFC 3339 with Z and as many digits (none, 3 or 6) as they need.
    """
    found = Fingerprints()
    for event in events:
        found.add(event)
    return found.replay_digest()


def behaviour_digest(events: Iterable[RunEvent]) -> Digest:
    """Return the SHA-256 of what the events say, in their order, whenever it happened.

    It is taken over a compact JSON array in ASCII of objects with kind and payload, all keys
    sorted. Left out are seqs, timestamps, and what ``Behaviour`` leaves out.
    """
    found = Fingerprints()
    for event in events:
        found.add(event)
    return found.behaviour_digest()


@dataclass(frozen=True, slots=True)
class ReplaySummary:
    """What a replay found. ``spec_digest`` is None for an execution without a spec."""

    run_id: str
    agent_name: str
    status: RunStatus
    event_count: int
    replay_digest: Digest
    behaviour_digest: Digest
    spec_digest: Digest | None

    @classmethod
    def of(cls, record: RunRecord, found: Fingerprints) -> ReplaySummary:
        """Return the summary of a run all of whose events ``found`` has taken in."""
        return cls(
            run_id=str(record.run_id),
            agent_name=record.metadata.agent_name,
            status=record.status,
            event_count=found.count,
            replay_digest=found.replay_digest(),
            behaviour_digest=found.behaviour_digest(),
            spec_digest=record.spec_digest,
        )


def verify_spec_digest(record: RunRecord, expected: Digest) -> None:
    """Raise DigestMismatch unless the run is one of the spec ``expected``."""
    if record.spec_digest != expected:
        msg = f"run {record.run_id} is of spec {record.spec_digest}, expected {expected}"
        raise DigestMismatch(msg, hint="compare a run with one of the same spec")


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """The last checkpoint of a run.

    ``events_before`` ends with the checkpoint itself; ``events_after`` is what was done since
    and would be done again.
    """

    checkpoint_id: str
    checkpoint_seq: int
    node_id: str
    state_hash: str | None
    events_before: tuple[RunEvent, ...]
    events_after: tuple[RunEvent, ...]


def find_resume_point(events: Iterable[RunEvent]) -> ResumePoint | None:
    """Return where to resume, given a run's events in order; None without a checkpoint.

    The last checkpoint counts, and no earlier one stands in for it: InvalidEvent when it
    names no checkpoint or no node. An execution's checkpoint names its step instead, or says
    that it is of none: then ``node_id`` is empty.
    """
    found = list(events)
    place = len(found) - 1
    while place >= 0 and found[place].kind != CHECKPOINT_SAVED:
        place -= 1
    if place < 0:
        return None
    event = found[place]
    payload = event.payload if isinstance(event.payload, dict) else {}
    state = payload.get("state_hash")
    return ResumePoint(
        checkpoint_id=_named(event, payload.get("checkpoint_id"), "checkpoint_id"),
        checkpoint_seq=_seq(event),
        node_id=_named(event, _node(payload), "node_id"),
        state_hash=state if isinstance(state, str) else None,
        events_before=tuple(found[: place + 1]),
        events_after=tuple(found[place + 1 :]),
    )


def _as_replayed(event: RunEvent) -> str:
    kind = json.dumps(event.kind, ensure_ascii=False)
    payload = jsontext.encode(event.payload)
    seq, timestamp = _seq(event), event.timestamp
    if timestamp is None:
        msg = f"event {seq} has no timestamp"
        raise InvalidEvent(msg, hint="replay the events of a run as they were recorded")
    return f'{{"seq":{seq},"kind":{kind},"payload":{payload},"timestamp":"{_time(timestamp)}"}}'


def _time(moment: datetime) -> str:
    whole = not moment.microsecond % _MILLISECOND
    digits = "seconds" if not moment.microsecond else "milliseconds" if whole else "microseconds"
    return moment.replace(tzinfo=None).isoformat(timespec=digits) + "Z"


def _closed(digest: hashlib._Hash) -> Digest:
    ended = digest.copy()
    ended.update(b"]")
    return Digest(ended.digest())


def _seq(event: RunEvent) -> int:
    if event.seq is None:
        msg = f"an event of kind {event.kind} has no seq"
        raise InvalidEvent(msg, hint="replay the events of a run as they were recorded")
    return event.seq


def _node(payload: dict[str, Json]) -> Json:
    if "node_id" in payload or "step_id" not in payload:
        return payload.get("node_id")
    step = payload["step_id"]
    return "" if step is None else step


def _named(event: RunEvent, value: object, name: str) -> str:
    if isinstance(value, str):
        return value
    msg = f"event {event.seq} is the last checkpoint, but it has no {name}"
    raise InvalidEvent(msg, hint="a run resumes from its last checkpoint; save one that names both")
