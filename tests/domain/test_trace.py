from __future__ import annotations

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
from aivcs.domain.run import RunId, RunMetadata, RunRecord, RunStatus, RunSummary
from aivcs.domain.trace import TraceArtifact, TraceRetention
from aivcs.errors import DigestMismatch, InvalidSource

WHEN = datetime(2026, 1, 31, 12, tzinfo=UTC)
RECORD = RunRecord(
    run_id=RunId("r1"),
    spec_digest=Digest.of(b"spec"),
    metadata=RunMetadata("helper"),
    status=RunStatus.COMPLETED,
    state=ExecutionState.COMPLETED,
    summary=RunSummary(2, None, 5, success=True),
    created_at=WHEN,
    completed_at=WHEN + timedelta(seconds=1),
    total_events=2,
)
EVENTS = (
    RunEvent(1, "tool_called", {"tool_name": "ü", "b": 2**60, "a": 1.0}, WHEN),
    RunEvent(2, "mine", [None], WHEN + timedelta(microseconds=500)),
)
TRACE = TraceArtifact.of(RECORD, EVENTS)


def test_there_and_back() -> None:
    text = TRACE.to_json()
    assert TraceArtifact.from_json(text) == TRACE
    assert TraceArtifact.from_json(text.encode(), f"{TRACE.replay_digest}\n") == TRACE
    assert json.loads(text)["event_count"] == 2
    assert TRACE.run_id == "r1"


def test_a_run_that_goes_on_and_one_without_a_spec() -> None:
    running = replace(RECORD, spec_digest=None, completed_at=None, status=RunStatus.RUNNING)
    trace = TraceArtifact.of(running, ())
    assert TraceArtifact.from_json(trace.to_json()) == trace
    assert trace.replay_digest == Digest.of(b"[]")


def test_the_status_may_be_written_as_a_word() -> None:
    fields = json.loads(TRACE.to_json())
    assert TraceArtifact.from_json(json.dumps({**fields, "status": "Completed"})) == TRACE


def _edited(change: Any) -> str:
    fields = json.loads(TRACE.to_json())
    change(fields)
    return json.dumps(fields)


@pytest.mark.parametrize(
    "change",
    [
        lambda fields: fields["events"][0]["payload"].update(tool_name="other"),
        lambda fields: fields["events"][1].update(seq=3),
        lambda fields: fields["events"][1].update(kind="other"),
        lambda fields: fields["events"][1].update(timestamp="2026-01-31T12:00:01Z"),
        lambda fields: fields["events"].reverse(),
        lambda fields: fields.update(events=fields["events"][:1], event_count=1),
        lambda fields: fields.update(replay_digest=str(Digest.of(b"x"))),
    ],
)
def test_every_edit_of_an_event_is_found(change: Any) -> None:
    with pytest.raises(DigestMismatch, match="the trace of run r1 should have"):
        TraceArtifact.from_json(_edited(change))


def test_a_companion_that_says_otherwise_is_found() -> None:
    with pytest.raises(DigestMismatch, match="replay digest 00, it has"):
        TraceArtifact.from_json(TRACE.to_json(), "00")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        b"\xff",
        _edited(lambda fields: fields.update(status="DONE")),
        _edited(lambda fields: fields.update(spec_digest="x")),
        _edited(lambda fields: fields.update(created_at=5)),
        _edited(lambda fields: fields.update(event_count=3)),
        _edited(lambda fields: fields["events"][0].pop("payload")),
        _edited(lambda fields: fields["events"][0].update(seq=0)),
        _edited(lambda fields: fields.update(events=5)),
    ],
)
def test_what_is_no_trace(text: str | bytes) -> None:
    with pytest.raises(InvalidSource, match="not a trace of a run"):
        TraceArtifact.from_json(text)


def _ages(*days: int) -> dict[str, datetime]:
    return {f"run-{day}": WHEN - timedelta(days=day) for day in days}


@pytest.mark.parametrize(
    ("rules", "gone"),
    [
        (TraceRetention(), []),
        (TraceRetention(max_age_days=5), ["run-10", "run-20"]),
        (TraceRetention(max_age_days=10), ["run-20"]),
        (TraceRetention(max_runs=1), ["run-10", "run-20"]),
        (TraceRetention(max_runs=0), ["run-0", "run-10", "run-20"]),
        (TraceRetention(max_age_days=10, max_runs=1), ["run-10", "run-20"]),
        (TraceRetention(max_age_days=10, max_runs=5), ["run-20"]),
    ],
)
def test_which_traces_go(rules: TraceRetention, gone: list[str]) -> None:
    assert rules.outdated(_ages(20, 0, 10), WHEN) == gone


@given(st.lists(st.integers(0, 30), unique=True), st.none() | st.integers(0, 30), st.integers(0, 9))
def test_the_newest_stay(days: list[int], age: int | None, most: int) -> None:
    gone = set(TraceRetention(age, most).outdated(_ages(*days), WHEN))
    kept = [day for day in days if f"run-{day}" not in gone]
    young = sorted(day for day in days if age is None or day <= age)
    assert sorted(kept) == young[:most]
