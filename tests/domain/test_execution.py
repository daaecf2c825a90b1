from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aivcs.domain.execution import (
    MOVES,
    NEXT,
    Action,
    ExecutionState,
    WaitReason,
    advance,
    ending_of,
    state_from_json,
    state_json,
    status_of,
)
from aivcs.domain.run import TRANSITIONS, RunStatus
from aivcs.errors import InvalidInputError, InvalidRunState

STATES = list(ExecutionState)
ENDED = {ExecutionState.COMPLETED, ExecutionState.FAILED, ExecutionState.CANCELLED}
LEGAL = {
    "plan": {"Created": "Planning"},
    "start": {"Created": "Running", "Planning": "Running"},
    "step": {"Running": "Running"},
    "pause": {"Running": "Paused", "Waiting": "Paused"},
    "resume": {"Paused": "Running", "Waiting": "Running"},
    "wait": {"Running": "Waiting"},
    "input": {"Waiting": "Running"},
    "complete": {"Running": "Completed"},
    "fail": dict.fromkeys(["Created", "Planning", "Running", "Paused", "Waiting"], "Failed"),
    "cancel": dict.fromkeys(["Created", "Planning", "Running", "Paused", "Waiting"], "Cancelled"),
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("action", list(Action))
def test_every_state_and_action(state: ExecutionState, action: Action) -> None:
    target = LEGAL[action.value].get(state.value)
    if target is not None:
        assert advance(state, action) == target
        return
    with pytest.raises(InvalidRunState, match=f"run r1 is {state.value}") as caught:
        advance(state, action, run_id="r1")
    assert caught.value.hint


@pytest.mark.parametrize("state", STATES)
def test_neutral_events_are_legal_until_the_end(state: ExecutionState) -> None:
    if state in ENDED:
        with pytest.raises(InvalidRunState, match=r"the execution is .*nothing may follow"):
            advance(state, None)
    else:
        assert advance(state, None) is state


@pytest.mark.parametrize("action", [None, *Action])
def test_what_comes_first_starts_the_execution(action: Action | None) -> None:
    if action in (Action.PLAN, Action.START):
        expected = advance(ExecutionState.CREATED, action)
    elif action in (Action.RESUME, Action.INPUT):
        with pytest.raises(InvalidRunState, match="is Running"):
            advance(ExecutionState.CREATED, action, implied_start=True)
        return
    else:
        expected = advance(ExecutionState.RUNNING, action)
    assert advance(ExecutionState.CREATED, action, implied_start=True) is expected


@given(st.sampled_from(STATES), st.none() | st.sampled_from(Action))
def test_only_a_created_execution_starts_by_itself(
    state: ExecutionState, action: Action | None
) -> None:
    if state is ExecutionState.CREATED:
        return
    try:
        expected = advance(state, action)
    except InvalidRunState:
        with pytest.raises(InvalidRunState):
            advance(state, action, implied_start=True)
    else:
        assert advance(state, action, implied_start=True) is expected


def test_the_moves_of_the_status_follow_from_those_of_the_state() -> None:
    moves: dict[RunStatus, set[RunStatus]] = {status: set() for status in RunStatus}
    for legal, target in MOVES.values():
        for state in legal:
            old, new = status_of(state), status_of(target or state)
            if new is not old:
                moves[old].add(new)
    assert moves == {status: set(new) for status, new in TRANSITIONS.items()}
    assert {status_of(state) for state in STATES} == set(RunStatus)


def test_next_is_what_advance_reaches() -> None:
    for state in STATES:
        reached = set()
        for action in Action:
            if state in MOVES[action][0]:
                reached.add(advance(state, action))
        stays = {state} if state is ExecutionState.RUNNING else set()
        assert reached == NEXT[state] | stays


@given(st.lists(st.sampled_from(Action)))
def test_the_first_end_survives_any_actions(actions: list[Action]) -> None:
    state, ended = ExecutionState.CREATED, None
    for action in actions:
        try:
            state = advance(state, action)
        except InvalidRunState:
            continue
        assert ended is None
        ended = state if state.terminal else None
    assert ended in (None, state)


def test_predicates() -> None:
    assert {state for state in STATES if state.terminal} == ENDED
    assert [state.value for state in STATES if state.can_resume] == ["Paused", "Waiting"]
    assert [state.value for state in STATES if state.active] == ["Running", "Waiting"]
    assert {state for state in STATES if not NEXT[state]} == ENDED


def test_the_projection_has_an_inverse_where_it_ends() -> None:
    for status in RunStatus:
        assert status_of(ending_of(status)) is status


@pytest.mark.parametrize(
    ("state", "wait", "json"),
    [
        (ExecutionState.RUNNING, None, "Running"),
        (ExecutionState.WAITING, WaitReason.APPROVAL, {"Waiting": "approval"}),
        (ExecutionState.WAITING, WaitReason.SUB_AGENT, {"Waiting": "sub_agent"}),
        (ExecutionState.WAITING, None, "Waiting"),
    ],
)
def test_states_as_json(state: ExecutionState, wait: WaitReason | None, json: object) -> None:
    assert state_json(state, wait) == json
    assert state_from_json(json) == (state, wait)


@pytest.mark.parametrize(
    "value",
    [
        None,
        1,
        "running",
        "RUNNING",
        [],
        {},
        {"Waiting": "lunch"},
        {"Running": "approval"},
        {"Waiting": None},
    ],
)
def test_what_is_no_state(value: object) -> None:
    with pytest.raises(InvalidInputError, match="not the state of an execution"):
        state_from_json(value)
