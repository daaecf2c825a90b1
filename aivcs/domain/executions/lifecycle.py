"""Events that move an execution from state to state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from aivcs.domain.execution import Action, WaitReason
from aivcs.domain.executions.data import ExecutionEventData

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aivcs.domain.canonical import Json
    from aivcs.domain.executions.failure import ExecutionError


@dataclass(frozen=True, slots=True)
class ExecutionPlanning(ExecutionEventData):
    """It is being planned."""

    TYPE: ClassVar[str] = "execution_planning"
    ACTION: ClassVar[Action | None] = Action.PLAN


@dataclass(frozen=True, slots=True)
class ExecutionStarted(ExecutionEventData):
    """It is at work. ``parent`` is what it was started by, an object of the caller's."""

    TYPE: ClassVar[str] = "execution_started"
    ACTION: ClassVar[Action | None] = Action.START

    parent: Mapping[str, Json] | None = None
    metadata: Json = None


@dataclass(frozen=True, slots=True)
class ExecutionPaused(ExecutionEventData):
    """Somebody stopped it for a while."""

    TYPE: ClassVar[str] = "execution_paused"
    ACTION: ClassVar[Action | None] = Action.PAUSE

    reason: str


@dataclass(frozen=True, slots=True)
class ExecutionResumed(ExecutionEventData):
    """It goes on after a pause, or without what it waited for."""

    TYPE: ClassVar[str] = "execution_resumed"
    ACTION: ClassVar[Action | None] = Action.RESUME


@dataclass(frozen=True, slots=True)
class ExecutionWaiting(ExecutionEventData):
    """It cannot go on before something happens."""

    TYPE: ClassVar[str] = "execution_waiting"
    ACTION: ClassVar[Action | None] = Action.WAIT

    reason: WaitReason
    detail: str | None = None

    def __post_init__(self) -> None:
        """Refuse a field of a wrong type; take the reason as text too."""
        ExecutionEventData.__post_init__(self)
        object.__setattr__(self, "reason", WaitReason(self.reason))


@dataclass(frozen=True, slots=True)
class ExecutionInputReceived(ExecutionEventData):
    """What it waited for came."""

    TYPE: ClassVar[str] = "execution_input_received"
    ACTION: ClassVar[Action | None] = Action.INPUT


@dataclass(frozen=True, slots=True)
class ExecutionCompleted(ExecutionEventData):
    """It reached its end; ``duration_ms`` is in milliseconds."""

    TYPE: ClassVar[str] = "execution_completed"
    ACTION: ClassVar[Action | None] = Action.COMPLETE

    duration_ms: int
    output: str | None = None


@dataclass(frozen=True, slots=True)
class ExecutionFailed(ExecutionEventData):
    """It cannot reach its end."""

    TYPE: ClassVar[str] = "execution_failed"
    ACTION: ClassVar[Action | None] = Action.FAIL

    error: ExecutionError


@dataclass(frozen=True, slots=True)
class ExecutionCancelled(ExecutionEventData):
    """Somebody ended it."""

    TYPE: ClassVar[str] = "execution_cancelled"
    ACTION: ClassVar[Action | None] = Action.CANCEL

    reason: str
