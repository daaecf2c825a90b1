from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aivcs.domain.execution import ExecutionState, WaitReason, advance
from aivcs.domain.executions.data import StoredEvent
from aivcs.domain.executions.facts import Custom
from aivcs.domain.executions.failure import ErrorCategory, ExecutionError
from aivcs.domain.executions.lifecycle import (
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionFailed,
    ExecutionInputReceived,
    ExecutionPaused,
    ExecutionPlanning,
    ExecutionResumed,
    ExecutionStarted,
    ExecutionWaiting,
)
from aivcs.domain.executions.model import STEP_MOVES, Execution, StepSource, StepState
from aivcs.domain.executions.reducer import fold, reduce
from aivcs.domain.executions.steps import StepCompleted, StepDiscovered, StepFailed, StepStarted
from aivcs.errors import InvalidRunState, ReducerError

if TYPE_CHECKING:
    from aivcs.domain.executions.data import ExecutionEventData

NEW = Execution("exec_1")
BROKEN = ExecutionError(ErrorCategory.TOOL_ERROR, "it broke")
WHEN = datetime(2026, 1, 31, 12, tzinfo=UTC)
STORY: list[ExecutionEventData] = [
    ExecutionPlanning(),
    StepDiscovered("s2", "Discovered", "the model asked", 1, "s1"),
    StepDiscovered("s3", "Discovered", "the model asked", 1, "s1"),
    ExecutionStarted({"parent_id": "exec_0"}),
    StepStarted("s1", "LlmNode", "think"),
    StepCompleted("s1", 5, "thought"),
    ExecutionWaiting(WaitReason.APPROVAL, "of the plan"),
    ExecutionInputReceived(),
    StepStarted("s2", "ToolNode", "act", "s1"),
    StepFailed("s2", BROKEN),
    ExecutionPaused("lunch"),
    Custom("note", {"x": 1}),
    ExecutionResumed(),
    ExecutionCompleted(20, "done"),
]


def _stored(events: list[ExecutionEventData], after: int = 0, **changes: Any) -> list[StoredEvent]:
    return [
        StoredEvent(
            **{
                "sequence": after + place,
                "execution_id": "exec_1",
                "tenant_id": "acme",
                "event": event,
                "timestamp": WHEN + timedelta(seconds=after + place),
                **changes,
            }
        )
        for place, event in enumerate(events, 1)
    ]


def _at(seconds: int) -> datetime:
    return WHEN + timedelta(seconds=seconds)


def test_a_whole_story() -> None:
    done = fold(NEW, _stored(STORY))
    assert (done.state, done.output, done.sequence) == (ExecutionState.COMPLETED, "done", 14)
    assert (done.tenant_id, done.parent) == ("acme", {"parent_id": "exec_0"})
    assert (done.started_at, done.ended_at) == (_at(4), _at(14))
    assert (done.wait, done.reason, done.error) == (None, None, None)
    assert done.step_order == ("s2", "s3", "s1")
    first, second, third = (done.steps[name] for name in ("s1", "s2", "s3"))
    assert (first.state, first.output, first.duration_ms) == (StepState.COMPLETED, "thought", 5)
    assert (first.started_at, first.ended_at, first.source) == (_at(5), _at(6), None)
    assert (second.state, second.error) == (StepState.FAILED, BROKEN)
    assert (second.step_type, second.name, second.parent_step_id) == ("ToolNode", "act", "s1")
    assert second.source == StepSource("Discovered", "the model asked", 1, "s1")
    assert (third.state, third.name) == (StepState.SKIPPED, None)
    assert all(step.state.terminal for step in done.steps.values())
    assert Execution("exec_1") == NEW


def test_on_the_way() -> None:
    states = []
    execution = NEW
    for place, event in enumerate(STORY, 1):
        execution = reduce(execution, event, _at(place))
        states.append(execution.state.value)
        assert execution.sequence == place
        assert (execution.wait is not None) == (execution.state is ExecutionState.WAITING)
    assert " ".join(states) == (
        "Planning Planning Planning Running Running Running Waiting Running"
        " Running Running Paused Paused Running Completed"
    )
    assert fold(NEW, STORY[:7]).wait is WaitReason.APPROVAL
    assert fold(NEW, STORY[:11]).reason == "lunch"


def test_as_json() -> None:
    done = fold(NEW, _stored(STORY)).to_dict()
    assert done["state"] == "Completed"
    assert done["started_at"] == "2026-01-31T12:00:04Z"
    steps: Any = done["steps"]
    assert [step["id"] for step in steps] == ["s2", "s3", "s1"]
    assert steps[0]["error"] == BROKEN.to_dict()
    assert steps[0]["source"]["triggered_by"] == "s1"
    assert steps[2]["source"] is None
    assert fold(NEW, STORY[:7]).to_dict()["state"] == {"Waiting": "approval"}
    failed = fold(NEW, [ExecutionFailed(BROKEN)]).to_dict()
    assert (failed["state"], failed["error"]) == ("Failed", BROKEN.to_dict())


def test_what_comes_first_starts_the_execution() -> None:
    assert fold(NEW, []) == NEW
    begun = fold(NEW, _stored([Custom("note", 1)]))
    assert (begun.state, begun.started_at) == (ExecutionState.RUNNING, _at(1))
    assert fold(NEW, [StepStarted("s", "ToolNode", "n")]).state is ExecutionState.RUNNING
    cancelled = fold(NEW, _stored([ExecutionPlanning(), ExecutionCancelled("by hand")]))
    assert (cancelled.started_at, cancelled.ended_at) == (None, _at(2))
    assert cancelled.reason == "by hand"


@pytest.mark.parametrize(
    ("events", "says"),
    [
        ([ExecutionCompleted(1), Custom("x", 1)], r"event 1 \(custom\).*Completed, so nothing may"),
        ([ExecutionStarted(), ExecutionStarted()], r"event 1 \(execution_started\)"),
        ([ExecutionPaused("x"), ExecutionCompleted(1)], "run exec_1 is Paused: complete"),
        ([StepCompleted("s", 1)], r"event 0 \(step_completed\).*step s never started"),
        ([StepFailed("s", BROKEN)], "step s never started"),
        ([ExecutionPlanning(), StepStarted("s", "ToolNode", "n")], "is Planning: step is legal"),
        ([STORY[4], STORY[4]], "step s1 is Running, so it cannot become Running"),
        ([STORY[4], STORY[5], STORY[5]], "step s1 is Completed, so it cannot become Completed"),
        ([STORY[1], STORY[1]], "step s2 is known already"),
        ([STORY[1], StepCompleted("s2", 1)], "step s2 is Pending, so it cannot become Completed"),
    ],
)
def test_the_first_event_that_cannot_follow_is_named(
    events: list[ExecutionEventData], says: str
) -> None:
    with pytest.raises(ReducerError, match=says) as caught:
        fold(NEW, events)
    assert caught.value.index == len(events) - 1
    assert isinstance(caught.value.__cause__, InvalidRunState)
    assert caught.value.hint
    before = fold(NEW, events[:-1])
    with pytest.raises(ReducerError):
        reduce(before, events[-1])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"sequence": 3}, "it is number 3, but 2 comes next"),
        ({"sequence": 1}, "it is number 1, but 2 comes next"),
        ({"execution_id": "exec_2"}, "it is an event of exec_2"),
        ({"tenant_id": "other"}, "it belongs to tenant other, not acme"),
    ],
)
def test_stored_events_are_the_executions_own_and_dense(change: dict[str, Any], says: str) -> None:
    good = _stored([ExecutionStarted()])
    with pytest.raises(ReducerError, match=says) as caught:
        fold(NEW, good + _stored([Custom("x", 1)], 1, **change))
    assert caught.value.index == 1


def test_the_moves_of_a_step_end() -> None:
    assert {state for state in StepState if state.terminal} == {
        StepState.COMPLETED,
        StepState.FAILED,
        StepState.SKIPPED,
    }
    assert STEP_MOVES.keys() == set(StepState)


NAMES = st.sampled_from(["s1", "s2", "s3"])
EVENTS: st.SearchStrategy[ExecutionEventData] = st.one_of(
    st.sampled_from([event for event in STORY if "step" not in event.type]),
    st.just(ExecutionFailed(BROKEN)),
    st.just(ExecutionCancelled("x")),
    NAMES.map(lambda name: StepStarted(name, "ToolNode", name)),
    NAMES.map(lambda name: StepCompleted(name, 1)),
    NAMES.map(lambda name: StepFailed(name, BROKEN)),
    NAMES.map(lambda name: StepDiscovered(name, "Discovered", "x", 0)),
)


@given(st.lists(EVENTS, max_size=30), st.integers(0, 30))
def test_folding_in_parts_or_one_by_one_is_folding_at_once(
    events: list[ExecutionEventData], cut: int
) -> None:
    kept: list[ExecutionEventData] = []
    one_by_one = NEW
    for event in events:
        try:
            one_by_one = reduce(one_by_one, event)
        except ReducerError:
            with pytest.raises(ReducerError) as caught:
                fold(NEW, [*kept, event])
            assert caught.value.index == len(kept)
            continue
        kept.append(event)
    assert fold(NEW, kept) == one_by_one
    stored = _stored(kept)
    assert fold(fold(NEW, stored[:cut]), stored[cut:]) == fold(NEW, stored)


@given(st.lists(EVENTS, max_size=30))
def test_the_fold_is_where_the_moves_lead(events: list[ExecutionEventData]) -> None:
    execution = NEW
    for event in events:
        try:
            after = reduce(execution, event)
        except ReducerError:
            continue
        assert after.state is advance(execution.state, event.ACTION, implied_start=True)
        for name, step in after.steps.items():
            old = execution.steps.get(name)
            if old is not None and old.state is not step.state:
                assert step.state in STEP_MOVES[old.state]
        execution = after
