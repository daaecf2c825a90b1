from __future__ import annotations

import json
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aivcs.domain.execution import Action, WaitReason
from aivcs.domain.executions.data import ExecutionEventData, StoredEvent
from aivcs.domain.executions.facts import CheckpointSaved, Custom, KnownEvent
from aivcs.domain.executions.failure import RETRIES, ErrorCategory, ExecutionError, Retry
from aivcs.domain.executions.lifecycle import ExecutionStarted, ExecutionWaiting
from aivcs.domain.executions.parsing import (
    ACTIONS,
    VARIANTS,
    event_from_dict,
    event_from_stored,
)
from aivcs.domain.executions.steps import StepFailed, StepStarted, StepType
from aivcs.domain.fields import JSON as JSON_VALUE
from aivcs.domain.kinds import FIELDS, KINDS
from aivcs.errors import InvalidEvent

ERROR = {"category": "ToolError", "message": "it broke"}
WHOLE_ERROR = {
    "category": "LlmError",
    "message": "overloaded",
    "retry_policy": {"max": 3},
    "code": "529",
    "attempt": 2,
    "step_id": "step_1",
    "provider": "p",
    "http_status": 529,
    "details": [1, None],
    "occurred_at": 1717243200000,
}
EXAMPLES: dict[str, dict[str, Any]] = {
    "execution_planning": {},
    "execution_started": {"parent": {"parent_id": "exec_0"}, "metadata": [1]},
    "execution_paused": {"reason": "lunch"},
    "execution_resumed": {},
    "execution_waiting": {"reason": "approval", "detail": "of the plan"},
    "execution_input_received": {},
    "execution_completed": {"duration_ms": 5, "output": "done"},
    "execution_failed": {"error": WHOLE_ERROR},
    "execution_cancelled": {"reason": "by hand"},
    "step_discovered": {
        "step_id": "step_2",
        "source_type": "Discovered",
        "reason": "the model asked",
        "depth": 1,
        "discovered_by": "step_1",
    },
    "step_started": {
        "step_id": "step_1",
        "step_type": "FunctionNode",
        "name": "test_step",
        "parent_step_id": "step_0",
    },
    "step_completed": {"step_id": "step_1", "duration_ms": 3, "output": "o"},
    "step_failed": {"step_id": "step_1", "error": WHOLE_ERROR},
    "artifact_stored": {
        "artifact_id": "a",
        "step_id": "step_1",
        "content_hash": "00",
        "size_bytes": 1,
    },
    "tool_call_started": {"tool_call_id": "c", "tool_name": "t", "input": None, "step_id": "s"},
    "tool_call_completed": {"tool_call_id": "c", "output": {"x": [1]}, "step_id": "s"},
    "checkpoint_saved": {"checkpoint_id": "c", "state_hash": "00", "step_id": "s"},
    "goal_evaluated": {
        "goal_id": "g",
        "status": "met",
        "step_id": "s",
        "score": 0.5,
        "reason": "r",
    },
}
REQUIRED = [
    (name, field.name)
    for name, variant in VARIANTS.items()
    for field in fields(variant)  # type: ignore[arg-type]
    if field.default is field.default_factory
]


def test_every_variant_has_an_example_and_a_row_in_the_registry() -> None:
    assert EXAMPLES.keys() == VARIANTS.keys()
    for name, variant in VARIANTS.items():
        own = {field.name for field in fields(variant)}  # type: ignore[arg-type]
        assert own <= {field.name for field in FIELDS[name]}
        assert set(KINDS[name]) <= own
    assert len(VARIANTS) + 1 == 16 + 3


@pytest.mark.parametrize("name", VARIANTS)
def test_there_and_back(name: str) -> None:
    tagged = {"type": name, **EXAMPLES[name]}
    event = ExecutionEventData.from_dict(json.loads(json.dumps(tagged)))
    assert type(event) is VARIANTS[name]
    assert event.type == name
    assert event.to_dict() == tagged
    assert VARIANTS[name].from_dict(tagged) == event
    assert event_from_stored(name, event.payload()) == event


@pytest.mark.parametrize("name", VARIANTS)
def test_what_is_optional_may_be_absent_or_null(name: str) -> None:
    required = {field for kind, field in REQUIRED if kind == name}
    least = {key: value for key, value in EXAMPLES[name].items() if key in required}
    event = event_from_dict({"type": name, **least})
    nulls = {key: None for key in EXAMPLES[name] if key not in required}
    assert event == event_from_dict({"type": name, **least, **nulls})
    assert event.to_dict() == {"type": name, **dict.fromkeys(EXAMPLES[name]), **event.payload()}


@pytest.mark.parametrize(("name", "field"), REQUIRED)
def test_a_missing_field_is_named(name: str, field: str) -> None:
    payload = {key: value for key, value in EXAMPLES[name].items() if key != field}
    with pytest.raises(InvalidEvent, match=f"{name} has no field '{field}'"):
        event_from_dict({"type": name, **payload})


@pytest.mark.parametrize(("name", "field"), [(n, f) for n, e in EXAMPLES.items() for f in e])
def test_a_field_of_a_wrong_type_is_named(name: str, field: str) -> None:
    (kind,) = (one.type for one in FIELDS[name] if one.name == field)
    if kind is JSON_VALUE:
        return
    with pytest.raises(InvalidEvent, match=f"the field '{field}' of {name} must be"):
        event_from_dict({"type": name, **EXAMPLES[name], field: b""})


@pytest.mark.parametrize("name", VARIANTS)
def test_an_unknown_field_is_refused(name: str) -> None:
    with pytest.raises(InvalidEvent, match=f"{name} has no field 'extra'"):
        event_from_dict({"type": name, **EXAMPLES[name], "extra": 1})


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (None, "an event must be an object, not null"),
        ([], "an event must be an object, not a list"),
        ({}, "the field 'type' of an event is missing"),
        ({"type": None}, "the field 'type' of an event must be a text, not null"),
        ({"type": "no_such"}, "unknown event type: 'no_such'"),
        ({"type": "Custom:x"}, "unknown event type: 'Custom:x'"),
        ({"type": "custom", "data": 1}, "custom has no field 'event_type'"),
        ({"type": "custom", "event_type": "x"}, "custom has no field 'data'"),
        ({"type": "custom", "event_type": "", "data": 1}, "'event_type' of custom"),
        ({"type": "custom", "event_type": "x", "data": 1, "y": 2}, "custom has no field 'y'"),
        ({"type": "node_entered", "node_id": "a"}, "node_entered has no field 'iteration'"),
        ({"type": "step_failed", "step_id": "s", "error": "x"}, "'error' of step_failed"),
        ({"type": "goal_evaluated", "goal_id": "g", "status": "x"}, "one of met, not_met"),
        ({"type": "execution_waiting", "reason": "lunch"}, "one of approval, user_input"),
    ],
)
def test_bad_events(value: object, says: str) -> None:
    with pytest.raises(InvalidEvent, match=says):
        ExecutionEventData.from_dict(value)


def test_typed_values_are_checked_where_they_are_made() -> None:
    with pytest.raises(InvalidEvent, match="'name' of step_started must be a text, not 5"):
        StepStarted("s", StepType.TOOL_NODE, 5)  # type: ignore[arg-type]
    with pytest.raises(InvalidEvent, match="'error' of step_failed must be an object, not null"):
        StepFailed("s", None)  # type: ignore[arg-type]
    with pytest.raises(InvalidEvent, match="'reason' of execution_waiting"):
        ExecutionWaiting("lunch")  # type: ignore[arg-type]
    with pytest.raises(InvalidEvent, match="'event_type' of custom"):
        Custom(None, 1)  # type: ignore[arg-type]
    assert ExecutionWaiting("approval").reason is WaitReason.APPROVAL  # type: ignore[arg-type]


def test_a_variant_reads_only_itself() -> None:
    with pytest.raises(InvalidEvent, match="the type is execution_started, not step_started"):
        StepStarted.from_dict({"type": "execution_started"})
    assert ExecutionStarted.from_dict({"type": "execution_started"}) == ExecutionStarted()


def test_custom_events_hold_anything() -> None:
    event = event_from_dict({"type": "custom", "event_type": "x", "data": [None]})
    assert event == Custom("x", [None])
    assert event.to_dict() == {"type": "custom", "event_type": "x", "data": [None]}
    assert event.ACTION is None


def test_events_of_the_other_vocabularies_keep_every_field() -> None:
    tagged = {"type": "tool_called", "tool_name": "search", "args": {"q": 1}}
    event = event_from_dict(tagged)
    assert event == KnownEvent("tool_called", {"tool_name": "search", "args": {"q": 1}})
    assert event.to_dict() == tagged
    assert event_from_stored("tool_called", event.payload()) == event
    with pytest.raises(InvalidEvent, match="the field 'type' of tool_called is taken"):
        KnownEvent("tool_called", {"tool_name": "search", "type": "x"})


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("deploy_started", {"x": 1}),
        ("Custom:mine", 5),
        ("step_started", {}),
        ("step_started", None),
        ("tool_called", {"tool_name": 5}),
        ("tool_called", {"tool_name": "a", "type": "b"}),
        ("custom", {"event_type": 5}),
    ],
)
def test_stored_entries_that_fit_no_type_are_custom(kind: str, payload: Any) -> None:
    assert event_from_stored(kind, payload) == Custom(kind, payload)


def test_a_checkpoint_of_a_graph_names_its_node() -> None:
    stored = {"checkpoint_id": "c", "node_id": "n", "state_hash": "00"}
    event = event_from_stored("checkpoint_saved", stored)
    assert event == CheckpointSaved("c", "00", node_id="n")
    assert event.payload() == {**stored, "step_id": None}


def test_actions() -> None:
    assert ACTIONS == {
        "execution_planning": Action.PLAN,
        "execution_started": Action.START,
        "execution_paused": Action.PAUSE,
        "execution_resumed": Action.RESUME,
        "execution_waiting": Action.WAIT,
        "execution_input_received": Action.INPUT,
        "execution_completed": Action.COMPLETE,
        "execution_failed": Action.FAIL,
        "execution_cancelled": Action.CANCEL,
        "step_started": Action.STEP,
        "step_completed": Action.STEP,
        "step_failed": Action.STEP,
    }
    assert set(ACTIONS.values()) == set(Action)


def test_errors_there_and_back() -> None:
    assert ExecutionError.from_dict(WHOLE_ERROR).to_dict() == WHOLE_ERROR
    short = ExecutionError.from_dict(ERROR)
    assert short == ExecutionError(ErrorCategory.TOOL_ERROR, "it broke")
    assert short.attempt == 1
    assert ExecutionError.from_dict(short.to_dict()) == short


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"category": "Bug"}, "'category' of an execution's error must be one of LlmError"),
        ({"message": None}, "'message'"),
        ({"attempt": 0}, "'attempt' .* a whole number from 1, not 0"),
        ({"http_status": 70000}, "'http_status'"),
        ({"occurred_at": 1.5}, "'occurred_at'"),
        ({"why": "x"}, "has no field 'why'"),
    ],
)
def test_bad_errors(change: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidEvent, match=says):
        ExecutionError.from_dict({**ERROR, **change})
    with pytest.raises(InvalidEvent, match="must be an object, not the text 'boom'"):
        ExecutionError.from_dict("boom")


def test_which_errors_may_be_tried_again() -> None:
    assert RETRIES.keys() == set(ErrorCategory)
    assert {one.value for one in ErrorCategory if one.fatal} == {
        "PolicyViolation",
        "QuotaExceeded",
        "KernelInternal",
        "ValidationError",
    }
    assert {one.value for one in ErrorCategory if one.retry is Retry.YES} == {
        "Timeout",
        "NetworkError",
    }


def test_a_stored_event_as_json() -> None:
    when = datetime(2026, 1, 31, 12, tzinfo=UTC)
    stored = StoredEvent(1, "exec_1", "acme", ExecutionStarted(), when)
    assert stored.to_dict() == {
        "sequence": 1,
        "execution_id": "exec_1",
        "tenant_id": "acme",
        "event": {"type": "execution_started", "parent": None, "metadata": None},
        "timestamp": "2026-01-31T12:00:00Z",
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from([*FIELDS, "custom", "other"])
FIELD_NAMES = sorted({field.name for fields_ in FIELDS.values() for field in fields_})


@given(NAMES, st.dictionaries(st.sampled_from(FIELD_NAMES) | st.text(), JSON, max_size=5))
def test_any_object_is_an_event_or_refused_by_name(name: str, payload: dict[str, Any]) -> None:
    payload.pop("type", None)
    stored = event_from_stored(name, payload)
    try:
        event = event_from_dict({"type": name, **payload})
    except InvalidEvent:
        assert stored == Custom(name, payload)
    else:
        assert stored == event == event_from_dict(event.to_dict())
        assert all(event.payload()[key] == value for key, value in payload.items())
