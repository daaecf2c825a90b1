"""What every typed event of an execution has in common, and an event as it is stored."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING, ClassVar, Final, Self

from aivcs.domain.executions.failure import ExecutionError
from aivcs.domain.fields import Field, check_fields
from aivcs.domain.kinds import FIELDS
from aivcs.domain.moment import text
from aivcs.errors import InvalidEvent

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from aivcs.domain.canonical import Json
    from aivcs.domain.execution import Action

TAG: Final = "type"
_KNOWN: Final[dict[str, tuple[Field, ...]]] = {}
_NAMES: Final[dict[type, tuple[str, ...]]] = {}


class ExecutionEventData:
    """Something that happened in an execution.

    As JSON it is an object whose ``type`` says which kind it is. ``ACTION`` is how it moves
    the execution's state; None moves nothing. An optional field may be None. Making one with
    a field of a wrong type raises InvalidEvent, which names the field.
    """

    __slots__ = ()
    TYPE: ClassVar[str]
    ACTION: ClassVar[Action | None] = None

    @property
    def type(self) -> str:
        """The tag in JSON, and the kind it is stored as."""
        return self.TYPE

    def __post_init__(self) -> None:
        """Refuse a field of a wrong type; take an error as an object too."""
        check_fields(self.TYPE, _fields(type(self)), self.payload(), open_ended=False)
        error = getattr(self, "error", None)
        if isinstance(error, dict):
            object.__setattr__(self, "error", ExecutionError.from_dict(error))

    def payload(self) -> dict[str, Json]:
        """Return the fields without the tag, as JSON: the body it is stored with."""
        return {name: _json(getattr(self, name)) for name in _names(type(self))}

    def to_dict(self) -> dict[str, Json]:
        """Return the tagged object."""
        return {TAG: self.type, **self.payload()}

    def __getitem__(self, name: str) -> Json:
        """Return a value of the tagged object; KeyError for another name."""
        return self.to_dict()[name]

    @classmethod
    def from_dict(cls, value: object) -> Self:
        """Read a tagged object; called on a variant, it must be of that type.

        Raises InvalidEvent: no object, no or an unknown type, a field that is missing, of a
        wrong type, or unknown to an execution's own events.
        """
        from aivcs.domain.executions.parsing import event_from_dict

        event = event_from_dict(value)
        if not isinstance(event, cls):
            msg = f"the type is {event.type}, not {cls.TYPE}"
            raise InvalidEvent(msg)
        return event

    @classmethod
    def from_payload(cls, payload: Mapping[str, object]) -> Self:
        """Read the fields without the tag; InvalidEvent as in ``from_dict``."""
        check_fields(cls.TYPE, _fields(cls), payload, open_ended=False)
        return cls(**{name: _value(name, item) for name, item in payload.items()})


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event with its place in the log: ``sequence`` from 1, dense, in one execution.

    Of an ``erased`` one only the kind is left; its event is ``Custom`` with no data.
    """

    sequence: int
    execution_id: str
    tenant_id: str
    event: ExecutionEventData
    timestamp: datetime
    erased: bool = False

    def to_dict(self) -> dict[str, Json]:
        """Return it as JSON, the time as RFC 3339 in UTC; ``erased`` only where it is true."""
        told: dict[str, Json] = {
            "sequence": self.sequence,
            "execution_id": self.execution_id,
            "tenant_id": self.tenant_id,
            "event": self.event.to_dict(),
            "timestamp": text(self.timestamp),
        }
        return {**told, "erased": True} if self.erased else told


def _names(variant: type[ExecutionEventData]) -> tuple[str, ...]:
    found = _NAMES.get(variant)
    if found is None:
        every = fields(variant)  # type: ignore[arg-type]  # every variant is a dataclass
        found = _NAMES[variant] = tuple(one.name for one in every)
    return found


def _fields(variant: type[ExecutionEventData]) -> tuple[Field, ...]:
    """Return the fields of a variant, typed by the registry; those without default are required."""
    found = _KNOWN.get(variant.TYPE)
    if found is None:
        types = {one.name: one.type for one in FIELDS[variant.TYPE]}
        found = _KNOWN[variant.TYPE] = tuple(
            Field(one.name, types[one.name], required=one.default is MISSING)
            for one in fields(variant)  # type: ignore[arg-type]  # every variant is a dataclass
        )
    return found


def _json(value: Json | ExecutionError) -> Json:
    return value.to_dict() if isinstance(value, ExecutionError) else value


def _value(name: str, item: object) -> object:
    return ExecutionError.from_dict(item) if name == "error" else item
