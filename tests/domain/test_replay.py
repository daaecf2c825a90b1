from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aivcs.domain.digest import Digest
from aivcs.domain.events import RunEvent
from aivcs.domain.execution import ExecutionState
from aivcs.domain.replay import (
    Fingerprints,
    ReplaySummary,
    behaviour_digest,
    find_resume_point,
    replay_digest,
    verify_spec_digest,
)
from aivcs.domain.run import RunId, RunMetadata, RunRecord, RunStatus
from aivcs.errors import DigestMismatch, InvalidEvent

WHEN = datetime(2024, 6, 1, 12, tzinfo=UTC)
GOLDEN = [
    RunEvent(1, "graph_started", {"graph_name": "golden_graph", "entry_point": "start"}, WHEN),
    RunEvent(2, "node_entered", {"node_id": "node_0", "iteration": 1}, WHEN),
    RunEvent(3, "node_exited", {"node_id": "node_0", "next_node": None, "duration_ms": 42}, WHEN),
    RunEvent(4, "graph_completed", {"iterations": 1, "duration_ms": 100}, WHEN),
]
PIN = "f5557fd15de85c61ff7507c0b97c671f8ba7471324794df16ceb54b906b0c3f8"
RECORD = RunRecord(
    run_id=RunId("r1"),
    spec_digest=Digest.of(b"spec"),
    metadata=RunMetadata("helper"),
    status=RunStatus.RUNNING,
    state=ExecutionState.RUNNING,
    summary=None,
    created_at=WHEN,
    completed_at=None,
    total_events=4,
)


def _turned(value: Any) -> Any:
    """Return a JSON value with the keys of its objects the other way round."""
    if isinstance(value, dict):
        return {key: _turned(value[key]) for key in reversed(value)}
    return [_turned(item) for item in value] if isinstance(value, list) else value


def test_the_published_pin() -> None:
    assert str(replay_digest(GOLDEN)) == PIN


def test_the_pin_depends_on_the_order_of_keys_and_on_times() -> None:
    turned = [replace(event, payload=_turned(event.payload)) for event in GOLDEN]
    later = [replace(event, timestamp=WHEN + timedelta(seconds=1)) for event in GOLDEN]
    assert len({PIN, str(replay_digest(turned)), str(replay_digest(later))}) == 3


def test_no_events_have_the_digest_of_an_empty_list() -> None:
    assert replay_digest([]) == behaviour_digest([]) == Digest.of(b"[]")


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (0, "2024-06-01T12:00:00Z"),
        (500_000, "2024-06-01T12:00:00.500Z"),
        (1_000, "2024-06-01T12:00:00.001Z"),
        (1, "2024-06-01T12:00:00.000001Z"),
        (123_450, "2024-06-01T12:00:00.123450Z"),
    ],
)
def test_times_have_the_digits_they_need(micros: int, text: str) -> None:
    event = RunEvent(1, "a", None, WHEN + timedelta(microseconds=micros))
    expected = f'[{{"seq":1,"kind":"a","payload":null,"timestamp":"{text}"}}]'
    assert replay_digest([event]) == Digest.of(expected.encode())


def test_what_was_never_recorded_has_no_digest() -> None:
    with pytest.raises(InvalidEvent, match="event 1 has no timestamp"):
        replay_digest([RunEvent(1, "a")])
    with pytest.raises(InvalidEvent, match="an event of kind a has no seq"):
        replay_digest([RunEvent(None, "a", {}, WHEN)])


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3)
    ),
    max_leaves=6,
)
KINDS = st.sampled_from(["tool_called", "node_exited", "step_failed", "custom", "mine", "ü"])
TIMES = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
EVENTS = st.lists(st.builds(RunEvent, st.integers(1, 9), KINDS, JSON, TIMES), max_size=6)


@given(EVENTS)
def test_both_digests_in_one_pass(events: list[RunEvent]) -> None:
    found = Fingerprints()
    for count, event in enumerate(events):
        assert found.count == count
        found.add(event)
    assert found.replay_digest() == replay_digest(events)
    assert found.behaviour_digest() == behaviour_digest(events)
    whole = [
        {
            "seq": event.seq,
            "kind": event.kind,
            "payload": event.payload,
            "timestamp": "2024-06-01T12:00:00Z",
        }
        for event in events
    ]
    text = json.dumps(whole, separators=(",", ":"), ensure_ascii=False)
    fixed = [replace(event, timestamp=WHEN) for event in events]
    assert str(replay_digest(fixed)) == hashlib.sha256(text.encode()).hexdigest()


@given(EVENTS, st.integers(1, 1000), TIMES)
def test_behaviour_knows_neither_clock_nor_seq_nor_the_order_of_keys(
    events: list[RunEvent], shift: int, when: datetime
) -> None:
    again = [
        RunEvent((event.seq or 0) + shift, event.kind, _turned(event.payload), when)
        for event in events
    ]
    assert behaviour_digest(again) == behaviour_digest(events)


def test_behaviour_leaves_out_measured_times_of_known_kinds_only() -> None:
    def one(kind: str, payload: Any) -> Digest:
        return behaviour_digest([RunEvent(1, kind, payload, WHEN)])

    slow, fast = {"node_id": "a", "duration_ms": 9}, {"node_id": "a", "duration_ms": 1}
    assert (
        one("node_exited", slow) == one("node_exited", fast) == one("node_exited", {"node_id": "a"})
    )
    assert one("mine", slow) != one("mine", fast)
    assert one("node_exited", slow) != one("node_exited", {**slow, "node_id": "b"})
    early, late = {"error": {"message": "x", "occurred_at": 1}}, {"error": {"message": "x"}}
    assert one("step_failed", early) == one("step_failed", late)
    assert one("step_failed", late) != one("step_failed", {"error": {"message": "y"}})
    assert one("graph_failed", {"error": "x"}) != one("graph_failed", {"error": "y"})
    text = '[{"kind":"node_exited","payload":{"node_id":"a"}}]'
    assert one("node_exited", slow) == Digest.of(text.encode())


def test_behaviour_knows_the_order_of_events() -> None:
    assert behaviour_digest(GOLDEN) != behaviour_digest(GOLDEN[::-1])
    assert behaviour_digest(GOLDEN) != behaviour_digest(GOLDEN[:-1])


def test_a_summary() -> None:
    found = Fingerprints()
    for event in GOLDEN:
        found.add(event)
    summary = ReplaySummary.of(RECORD, found)
    assert (summary.run_id, summary.agent_name, summary.event_count) == ("r1", "helper", 4)
    assert (summary.status, summary.spec_digest) == (RunStatus.RUNNING, Digest.of(b"spec"))
    assert str(summary.replay_digest) == PIN
    assert summary.behaviour_digest == behaviour_digest(GOLDEN)


def test_the_spec_of_a_run() -> None:
    verify_spec_digest(RECORD, Digest.of(b"spec"))
    with pytest.raises(DigestMismatch, match=f"run r1 is of spec .*, expected {Digest.of(b'x')}"):
        verify_spec_digest(RECORD, Digest.of(b"x"))


def _checkpoint(seq: int, **payload: Any) -> RunEvent:
    return RunEvent(seq, "checkpoint_saved", payload, WHEN)


def test_without_a_checkpoint_there_is_nothing_to_resume_from() -> None:
    assert find_resume_point([]) is None
    assert find_resume_point(GOLDEN) is None


def test_the_last_checkpoint_is_the_point() -> None:
    events = [
        GOLDEN[0],
        _checkpoint(2, checkpoint_id="c1", node_id="a"),
        _checkpoint(3, checkpoint_id="c2", node_id="b", state_hash="00"),
        GOLDEN[3],
    ]
    point = find_resume_point(events)
    assert point is not None
    assert (point.checkpoint_id, point.checkpoint_seq, point.node_id) == ("c2", 3, "b")
    assert point.events_before == tuple(events[:3])
    assert point.events_after == (GOLDEN[3],)
    assert point.state_hash == "00"


def test_a_step_stands_for_a_node() -> None:
    point = find_resume_point([_checkpoint(1, checkpoint_id="c", step_id="s", state_hash=5)])
    assert point is not None
    assert (point.node_id, point.state_hash) == ("s", None)


@pytest.mark.parametrize(
    ("payload", "name"),
    [
        ({"node_id": "a"}, "checkpoint_id"),
        ({"checkpoint_id": "c"}, "node_id"),
        ({"checkpoint_id": 5, "node_id": "a"}, "checkpoint_id"),
        ({"checkpoint_id": "c", "node_id": None}, "node_id"),
    ],
)
def test_an_earlier_checkpoint_does_not_stand_in(payload: dict[str, Any], name: str) -> None:
    events = [_checkpoint(1, checkpoint_id="c1", node_id="a"), _checkpoint(2, **payload)]
    with pytest.raises(InvalidEvent, match=f"event 2 is the last checkpoint, but it has no {name}"):
        find_resume_point(events)
    with pytest.raises(InvalidEvent, match="has no checkpoint_id"):
        find_resume_point([RunEvent(2, "checkpoint_saved", [payload], WHEN)])
