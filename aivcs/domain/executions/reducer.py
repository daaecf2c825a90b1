"""What the events of an execution add up to: a pure fold, the same for the same events."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from aivcs.domain.execution import Action, ExecutionState, advance
from aivcs.domain.executions import lifecycle, steps
from aivcs.domain.executions.data import StoredEvent
from aivcs.domain.executions.model import STEP_MOVES, Step, StepSource, StepState
from aivcs.errors import InvalidEvent, InvalidRunState, ReducerError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from aivcs.domain.execution import WaitReason
    from aivcs.domain.executions.data import ExecutionEventData
    from aivcs.domain.executions.model import Execution
    from aivcs.errors import AivcsError


def fold(start: Execution, events: Iterable[StoredEvent | ExecutionEventData]) -> Execution:
    """Return the execution after further events; ``start`` itself stays as it is.

    Stored events bring their times, and must be the execution's own and follow without a
    gap. Raises ReducerError at the first event that cannot follow, with its place among
    ``events`` (from 0) as ``index`` and the reason as its cause.
    """
    folding = Folding(start)
    for index, event in enumerate(events):
        try:
            if isinstance(event, StoredEvent):
                folding.check_place(event)
                folding.apply(event.event, event.timestamp)
            else:
                folding.apply(event, None)
        except (InvalidRunState, InvalidEvent) as error:
            raise _refused(start.id, index, event, error) from error
    return folding.result()


def reduce(
    execution: Execution, event: ExecutionEventData, at: datetime | None = None
) -> Execution:
    """Return the execution after one event that happened at ``at``; ReducerError as ``fold``."""
    folding = Folding(execution)
    try:
        folding.apply(event, at)
    except InvalidRunState as error:
        raise _refused(execution.id, 0, event, error) from error
    return folding.result()


_CREATED: Final = ExecutionState.CREATED
_RUNNING: Final = ExecutionState.RUNNING
_PLAN: Final = Action.PLAN


class Folding:
    """An execution that events are being applied to; its steps are a copy."""

    def __init__(self, start: Execution) -> None:
        """Begin with ``start``, which stays as it is."""
        self._execution = start
        self._steps = dict(start.steps)
        self._sequence = start.sequence

    def result(self) -> Execution:
        """Return the execution after what was applied."""
        return replace(self._execution, steps=self._steps, sequence=self._sequence)

    def check_place(self, stored: StoredEvent) -> None:
        """Raise InvalidEvent unless it is the execution's own next event."""
        own = self._execution
        if stored.execution_id != own.id:
            msg = f"it is an event of {stored.execution_id}"
            raise InvalidEvent(msg)
        if stored.sequence != self._sequence + 1:
            msg = f"it is number {stored.sequence}, but {self._sequence + 1} comes next"
            raise InvalidEvent(msg)
        if own.tenant_id is None:
            self._execution = replace(own, tenant_id=stored.tenant_id)
        elif stored.tenant_id != own.tenant_id:
            msg = f"it belongs to tenant {stored.tenant_id}, not {own.tenant_id}"
            raise InvalidEvent(msg)

    def apply(self, event: ExecutionEventData, at: datetime | None) -> None:
        """Apply an event, or raise InvalidRunState and change nothing."""
        old = self._execution
        state = advance(old.state, event.ACTION, run_id=old.id, implied_start=True)
        self._step(event, at)
        if state is not old.state:
            begins = state is _RUNNING or (old.state is _CREATED and event.ACTION is not _PLAN)
            started = at if begins and old.started_at is None else old.started_at
            moved = replace(old, state=state, wait=None, reason=None, started_at=started)
            self._execution = _told(moved, event, at)
            if state.terminal:
                self._skip()
        self._sequence += 1

    def pass_over(self) -> None:
        """Count an event that moves nothing, whatever it says."""
        self._sequence += 1

    def settle(self, state: ExecutionState, wait: WaitReason | None, **known: Any) -> None:  # noqa: ANN401
        """Bring the execution to the state it is known to have, with other fields known of it."""
        self._execution = replace(self._execution, state=state, wait=wait, **known)
        if state.terminal:
            self._skip()

    def _step(self, event: ExecutionEventData, at: datetime | None) -> None:
        match event:
            case steps.StepDiscovered():
                self._new(
                    Step(
                        event.step_id,
                        StepState.PENDING,
                        source=StepSource(
                            event.source_type, event.reason, event.depth, event.discovered_by
                        ),
                    )
                )
            case steps.StepStarted():
                pending = self._steps.get(event.step_id)
                step = pending or Step(event.step_id, StepState.PENDING)
                self._steps[step.id] = replace(
                    _moved(step, StepState.RUNNING),
                    step_type=event.step_type,
                    name=event.name,
                    parent_step_id=event.parent_step_id,
                    started_at=at,
                )
            case steps.StepCompleted():
                step = _moved(self._known(event.step_id), StepState.COMPLETED)
                self._steps[step.id] = replace(
                    step, output=event.output, duration_ms=event.duration_ms, ended_at=at
                )
            case steps.StepFailed():
                step = _moved(self._known(event.step_id), StepState.FAILED)
                self._steps[step.id] = replace(step, error=event.error, ended_at=at)
            case _:
                pass

    def _new(self, step: Step) -> None:
        if step.id in self._steps:
            msg = f"step {step.id} is known already"
            raise InvalidRunState(msg, hint="each step has an id of its own, a second try too")
        self._steps[step.id] = step

    def _known(self, step_id: str) -> Step:
        step = self._steps.get(step_id)
        if step is None:
            msg = f"step {step_id} never started"
            raise InvalidRunState(msg, hint="a step begins with step_started")
        return step

    def _skip(self) -> None:
        for step in self._steps.values():
            if step.state is StepState.PENDING:
                self._steps[step.id] = _moved(step, StepState.SKIPPED)


def _told(execution: Execution, event: ExecutionEventData, at: datetime | None) -> Execution:
    """Return the execution with what an event that moved it says besides."""
    match event:
        case lifecycle.ExecutionStarted():
            execution = replace(execution, parent=event.parent)
        case lifecycle.ExecutionWaiting():
            execution = replace(execution, wait=event.reason)
        case lifecycle.ExecutionPaused() | lifecycle.ExecutionCancelled():
            execution = replace(execution, reason=event.reason)
        case lifecycle.ExecutionCompleted():
            execution = replace(execution, output=event.output)
        case lifecycle.ExecutionFailed():
            execution = replace(execution, error=event.error)
        case _:
            pass
    return replace(execution, ended_at=at) if execution.state.terminal else execution


def _moved(step: Step, target: StepState) -> Step:
    if target not in STEP_MOVES[step.state]:
        msg = f"step {step.id} is {step.state.value}, so it cannot become {target.value}"
        raise InvalidRunState(msg, hint="each step has an id of its own, a second try too")
    return replace(step, state=target)


def _refused(
    execution_id: str, index: int, event: StoredEvent | ExecutionEventData, error: AivcsError
) -> ReducerError:
    what = event.event.type if isinstance(event, StoredEvent) else event.type
    msg = f"execution {execution_id}: event {index} ({what}) cannot follow: {error.message}"
    return ReducerError(msg, index=index, hint=error.hint)
