"""The states of an execution and every move between them.

They are finer than a run's status, which is their projection. ``MOVES`` is the one table:
the guard here, the database's triggers and the diagram in the documentation read it.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from aivcs.domain.run import RunStatus
from aivcs.errors import InvalidInputError, InvalidRunState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aivcs.domain.canonical import Json


class ExecutionState(StrEnum):
    """Where an execution stands."""

    CREATED = "Created"
    PLANNING = "Planning"
    RUNNING = "Running"
    PAUSED = "Paused"
    WAITING = "Waiting"
    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELLED = "Cancelled"

    @property
    def terminal(self) -> bool:
        """Whether nothing may follow."""
        return self in _ENDED

    @property
    def can_resume(self) -> bool:
        """Whether it stands still and may go on."""
        return self in _STILL

    @property
    def active(self) -> bool:
        """Whether it is at work, or waits while it is."""
        return self in _ACTIVE


class WaitReason(StrEnum):
    """What a waiting execution waits for."""

    APPROVAL = "approval"
    USER_INPUT = "user_input"
    RATE_LIMIT = "rate_limit"
    EXTERNAL = "external"
    CHECKPOINT = "checkpoint"
    COST_THRESHOLD = "cost_threshold"
    MEMORY_PRESSURE = "memory_pressure"
    SUB_AGENT = "sub_agent"


class Action(StrEnum):
    """What moves an execution from state to state."""

    PLAN = "plan"
    START = "start"
    STEP = "step"
    PAUSE = "pause"
    RESUME = "resume"
    WAIT = "wait"
    INPUT = "input"
    COMPLETE = "complete"
    FAIL = "fail"
    CANCEL = "cancel"


_S = ExecutionState
_STATUS: Final[Mapping[ExecutionState, RunStatus]] = MappingProxyType(
    {
        _S.COMPLETED: RunStatus.COMPLETED,
        _S.FAILED: RunStatus.FAILED,
        _S.CANCELLED: RunStatus.CANCELLED,
    }
)
_ENDED: Final = frozenset(_STATUS)
_STILL: Final = frozenset({_S.PAUSED, _S.WAITING})
_ACTIVE: Final = frozenset({_S.RUNNING, _S.WAITING})
_OPEN: Final = frozenset(_S) - _ENDED

MOVES: Final[Mapping[Action, tuple[frozenset[ExecutionState], ExecutionState | None]]] = (
    MappingProxyType(
        {
            Action.PLAN: (frozenset({_S.CREATED}), _S.PLANNING),
            Action.START: (frozenset({_S.CREATED, _S.PLANNING}), _S.RUNNING),
            Action.STEP: (frozenset({_S.RUNNING}), None),
            Action.PAUSE: (frozenset({_S.RUNNING, _S.WAITING}), _S.PAUSED),
            Action.RESUME: (_STILL, _S.RUNNING),
            Action.WAIT: (frozenset({_S.RUNNING}), _S.WAITING),
            Action.INPUT: (frozenset({_S.WAITING}), _S.RUNNING),
            Action.COMPLETE: (frozenset({_S.RUNNING}), _S.COMPLETED),
            Action.FAIL: (_OPEN, _S.FAILED),
            Action.CANCEL: (_OPEN, _S.CANCELLED),
        }
    )
)
"""For each action the states it is legal in, and the state it leads to; None: it stays."""

NEXT: Final[Mapping[ExecutionState, frozenset[ExecutionState]]] = MappingProxyType(
    {
        state: frozenset(new for old, new in MOVES.values() if new is not None and state in old)
        for state in ExecutionState
    }
)
"""The states that one move leads to from each state."""


def advance(
    state: ExecutionState,
    action: Action | None,
    *,
    run_id: str | None = None,
    implied_start: bool = False,
) -> ExecutionState:
    """Return the state after ``action``; None is an event that moves nothing.

    An event that moves nothing is legal in every state that is not terminal. With
    ``implied_start`` an execution that is Created starts by itself when anything but PLAN
    or START comes first. Raises InvalidRunState, which names ``run_id``.
    """
    if implied_start and state is _S.CREATED and action not in (Action.PLAN, Action.START):
        state = _S.RUNNING
    legal, target = (_OPEN, None) if action is None else MOVES[action]
    if state in legal:
        return state if target is None else target
    raise _refused(state, action, run_id)


def status_of(state: ExecutionState) -> RunStatus:
    """Return the status that is the projection of a state."""
    return _STATUS.get(state, RunStatus.RUNNING)


def ending_of(status: RunStatus) -> ExecutionState:
    """Return the state a run has when its status is a terminal one; Running for RUNNING."""
    return next((state for state, ended in _STATUS.items() if ended is status), _S.RUNNING)


def state_json(state: ExecutionState, wait: WaitReason | None = None) -> Json:
    """Return the state as JSON: its name, or ``{"Waiting": REASON}`` where the reason is known."""
    return state.value if wait is None else {state.value: wait.value}


def state_from_json(value: object) -> tuple[ExecutionState, WaitReason | None]:
    """Return what ``state_json`` wrote; InvalidInputError for everything else."""
    try:
        if isinstance(value, dict) and list(value) == [_S.WAITING.value]:
            return _S.WAITING, WaitReason(value[_S.WAITING.value])
        return ExecutionState(str(value)), None
    except ValueError as error:
        msg = f"not the state of an execution: {value!r:.80}"
        hint = f'one of {", ".join(ExecutionState)}, or {{"Waiting": "approval"}}'
        raise InvalidInputError(msg, hint=hint) from error


def _refused(state: ExecutionState, action: Action | None, run_id: str | None) -> InvalidRunState:
    who = "the execution" if run_id is None else f"run {run_id}"
    if state.terminal or action is None:
        msg = f"{who} is {state.value}, so nothing may follow"
        return InvalidRunState(msg, hint="a run that has ended never changes; record a new run")
    wanted = " or ".join(one.value for one in ExecutionState if one in MOVES[action][0])
    msg = f"{who} is {state.value}: {action.value} is legal only when it is {wanted}"
    return InvalidRunState(msg, hint=f"from {state.value} it may go to {_targets(state)}")


def _targets(state: ExecutionState) -> str:
    return ", ".join(one.value for one in ExecutionState if one in NEXT[state])
