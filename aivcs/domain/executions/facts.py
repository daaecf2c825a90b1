"""Events that record something and move nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from aivcs.domain.executions.data import TAG, ExecutionEventData
from aivcs.domain.fields import JSON, NAME, Field, check_fields
from aivcs.domain.kinds import CHECKPOINT_SAVED, CUSTOM, check_payload
from aivcs.errors import InvalidEvent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aivcs.domain.canonical import Json


@dataclass(frozen=True, slots=True)
class ArtifactStored(ExecutionEventData):
    """A step produced data, which is stored as an object of this hash."""

    TYPE: ClassVar[str] = "artifact_stored"

    artifact_id: str
    step_id: str
    content_hash: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class ToolCallStarted(ExecutionEventData):
    """A tool was called; ``input`` is any JSON value."""

    TYPE: ClassVar[str] = "tool_call_started"

    tool_call_id: str
    tool_name: str
    input: Json
    step_id: str | None = None


@dataclass(frozen=True, slots=True)
class ToolCallCompleted(ExecutionEventData):
    """A tool answered; ``output`` is any JSON value."""

    TYPE: ClassVar[str] = "tool_call_completed"

    tool_call_id: str
    output: Json
    step_id: str | None = None


@dataclass(frozen=True, slots=True)
class CheckpointSaved(ExecutionEventData):
    """A state to resume from was stored; a graph's checkpoint names its node too."""

    TYPE: ClassVar[str] = CHECKPOINT_SAVED

    checkpoint_id: str
    state_hash: str
    step_id: str | None = None
    node_id: str | None = None

    def payload(self) -> dict[str, Json]:
        """Return the fields; ``node_id`` only when there is one."""
        found = ExecutionEventData.payload(self)
        if self.node_id is None:
            del found["node_id"]
        return found


@dataclass(frozen=True, slots=True)
class GoalEvaluated(ExecutionEventData):
    """A goal was looked at: ``status`` is met, not_met or progressing."""

    TYPE: ClassVar[str] = "goal_evaluated"

    goal_id: str
    status: str
    step_id: str | None = None
    score: float | None = None
    reason: str | None = None


CUSTOM_FIELDS: Final = (Field("event_type", NAME), Field("data", JSON))


@dataclass(frozen=True, slots=True)
class Custom(ExecutionEventData):
    """Anything else; ``data`` is any JSON value."""

    TYPE: ClassVar[str] = CUSTOM

    event_type: str
    data: Json

    def __post_init__(self) -> None:
        """Refuse an event type that is no text or empty."""
        check_fields(CUSTOM, CUSTOM_FIELDS, self.payload(), open_ended=False)


@dataclass(frozen=True, slots=True)
class KnownEvent(ExecutionEventData):
    """An event of another vocabulary of the registry: of a graph, a command, an evaluation.

    ``fields`` has at least those the registry requires; further ones are kept.
    """

    TYPE: ClassVar[str] = "an event of the registry"

    kind: str
    fields: Mapping[str, Json]

    def __post_init__(self) -> None:
        """Refuse an unknown kind, and fields that are missing or of a wrong type."""
        check_payload(self.kind, self.fields)
        if TAG in self.fields:
            msg = f"the field {TAG!r} of {self.kind} is taken: it says which kind it is"
            raise InvalidEvent(msg)

    @property
    def type(self) -> str:
        """The kind."""
        return self.kind

    def payload(self) -> dict[str, Json]:
        """Return the fields."""
        return dict(self.fields)
