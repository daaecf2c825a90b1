"""An execution and its steps, as the events before some moment leave them."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from aivcs.domain.execution import ExecutionState, state_json
from aivcs.domain.moment import text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from aivcs.domain.canonical import Json
    from aivcs.domain.execution import WaitReason
    from aivcs.domain.executions.failure import ExecutionError


class StepState(StrEnum):
    """Where a step stands."""

    PENDING = "Pending"
    RUNNING = "Running"
    COMPLETED = "Completed"
    FAILED = "Failed"
    SKIPPED = "Skipped"

    @property
    def terminal(self) -> bool:
        """Whether nothing may follow."""
        return not STEP_MOVES[self]


STEP_MOVES: Final[Mapping[StepState, frozenset[StepState]]] = MappingProxyType(
    {
        StepState.PENDING: frozenset({StepState.RUNNING, StepState.SKIPPED}),
        StepState.RUNNING: frozenset({StepState.COMPLETED, StepState.FAILED}),
        StepState.COMPLETED: frozenset(),
        StepState.FAILED: frozenset(),
        StepState.SKIPPED: frozenset(),
    }
)
"""Every legal move of a step. A step that is pending when its execution ends was skipped."""


@dataclass(frozen=True, slots=True)
class StepSource:
    """Why a step exists: what kind of source, which step it came up in, how deep."""

    source_type: str
    reason: str
    depth: int
    triggered_by: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A step of an execution. One that was only discovered has no type and name yet."""

    id: str
    state: StepState
    step_type: str | None = None
    name: str | None = None
    parent_step_id: str | None = None
    output: str | None = None
    error: ExecutionError | None = None
    duration_ms: int | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    source: StepSource | None = None

    def to_dict(self) -> dict[str, Json]:
        """Return every field as JSON; times are RFC 3339 in UTC."""
        return {
            **{one.name: getattr(self, one.name) for one in fields(self)},
            "state": self.state.value,
            "error": None if self.error is None else self.error.to_dict(),
            "started_at": _time(self.started_at),
            "ended_at": _time(self.ended_at),
            "source": None
            if self.source is None
            else {one.name: getattr(self.source, one.name) for one in fields(self.source)},
        }


@dataclass(frozen=True, slots=True)
class Execution:
    """An execution after its first ``sequence`` events.

    ``steps`` is by step id, in the order in which they came up. ``reason`` says why it was
    paused or cancelled, ``wait`` what it waits for.
    """

    id: str
    tenant_id: str | None = None
    state: ExecutionState = ExecutionState.CREATED
    wait: WaitReason | None = None
    reason: str | None = None
    parent: Mapping[str, Json] | None = None
    steps: Mapping[str, Step] = field(default_factory=dict)
    schema_version: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    output: str | None = None
    error: ExecutionError | None = None
    sequence: int = 0

    @property
    def step_order(self) -> tuple[str, ...]:
        """The ids of the steps in the order in which they came up."""
        return tuple(self.steps)

    def to_dict(self) -> dict[str, Json]:
        """Return every field as JSON; the steps are a list, times are RFC 3339 in UTC."""
        return {
            "id": self.id,
            "tenant_id": self.tenant_id,
            "state": state_json(self.state, self.wait),
            "reason": self.reason,
            "parent": self.parent,
            "steps": [step.to_dict() for step in self.steps.values()],
            "schema_version": self.schema_version,
            "started_at": _time(self.started_at),
            "ended_at": _time(self.ended_at),
            "output": self.output,
            "error": None if self.error is None else self.error.to_dict(),
            "sequence": self.sequence,
        }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else text(moment)
