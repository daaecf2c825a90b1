"""Events of an execution's steps."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from aivcs.domain.execution import Action
from aivcs.domain.executions.data import ExecutionEventData

if TYPE_CHECKING:
    from aivcs.domain.executions.failure import ExecutionError


class StepType(StrEnum):
    """What runs in a step. A step's type is one of these or any other text."""

    FUNCTION_NODE = "FunctionNode"
    TOOL_NODE = "ToolNode"
    LLM_NODE = "LlmNode"
    GRAPH_NODE = "GraphNode"


@dataclass(frozen=True, slots=True)
class StepDiscovered(ExecutionEventData):
    """New work came up; ``depth`` counts the discoveries that led to it."""

    TYPE: ClassVar[str] = "step_discovered"

    step_id: str
    source_type: str
    reason: str
    depth: int
    discovered_by: str | None = None


@dataclass(frozen=True, slots=True)
class StepStarted(ExecutionEventData):
    """A step is at work."""

    TYPE: ClassVar[str] = "step_started"
    ACTION: ClassVar[Action | None] = Action.STEP

    step_id: str
    step_type: str
    name: str
    parent_step_id: str | None = None


@dataclass(frozen=True, slots=True)
class StepCompleted(ExecutionEventData):
    """A step is done; ``duration_ms`` is in milliseconds."""

    TYPE: ClassVar[str] = "step_completed"
    ACTION: ClassVar[Action | None] = Action.STEP

    step_id: str
    duration_ms: int
    output: str | None = None


@dataclass(frozen=True, slots=True)
class StepFailed(ExecutionEventData):
    """A step failed, which alone does not fail the execution."""

    TYPE: ClassVar[str] = "step_failed"
    ACTION: ClassVar[Action | None] = Action.STEP

    step_id: str
    error: ExecutionError
