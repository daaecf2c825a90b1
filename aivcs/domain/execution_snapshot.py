"""Snapshots of executions: what a state cache keeps, and what it may be used for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeVar

from aivcs.domain import moment
from aivcs.domain.events import MAX_SEQ
from aivcs.domain.execution import ExecutionState, WaitReason, state_from_json, state_json
from aivcs.domain.jsonvalue import is_count, json_text, json_value
from aivcs.domain.names import check_run_id, check_text
from aivcs.domain.shown import shown
from aivcs.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from aivcs.domain.canonical import Json

_Word = TypeVar("_Word", bound=StrEnum)

STEP_KINDS: Final = frozenset({"step_started", "step_completed", "step_failed"})
"""The kinds of events that change what a snapshot says of steps."""

_REQUIRED: Final = ("execution_id", "tenant_id", "state", "timestamp", "sequence_number")
_FORM: Final = 'a state is a text such as "Running", or {"Waiting": "approval"}'


class Freshness(StrEnum):
    """How a snapshot stands to the log of its execution.

    ``fresh``: it has seen the whole log. ``behind``: of the same history; what came since
    can be folded onto it. ``invalid``: it knows more than the log has, or another log.
    """

    FRESH = "fresh"
    BEHIND = "behind"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class ExecutionSnapshot:
    """What was known of an execution after its event ``sequence_number`` (0: before the first).

    ``step_outputs`` (by step id) and ``variables`` hold JSON values. ``wait`` says what a
    waiting execution waits for. ``timestamp`` is when it was made; a store sets it where it
    is None. ``state`` may be given as its text. Raises InvalidInputError naming the field
    that is wrong.
    """

    execution_id: str
    tenant_id: str
    state: ExecutionState
    sequence_number: int
    user_id: str | None = None
    current_step_id: str | None = None
    step_outputs: Mapping[str, Json] = field(default_factory=dict)
    variables: Mapping[str, Json] = field(default_factory=dict)
    timestamp: datetime | None = None
    wait: WaitReason | None = None

    def __post_init__(self) -> None:
        """Check every field and bring it into its form."""
        check_run_id(self.execution_id)
        for name in ("tenant_id", "user_id", "current_step_id"):
            check_text(name, getattr(self, name))
        if self.tenant_id is None:
            raise _wrong(None, "tenant_id", "a text")
        seq = self.sequence_number
        if not is_count(seq) or seq > MAX_SEQ:
            raise _wrong(seq, "sequence_number", "a whole number from 0")
        object.__setattr__(self, "state", _one_of(ExecutionState, "state", self.state))
        if self.wait is not None:
            object.__setattr__(self, "wait", _one_of(WaitReason, "wait", self.wait))
            if self.state is not ExecutionState.WAITING:
                raise _wrong(self.wait, "wait", f"absent, as the state is {self.state}")
        if self.timestamp is not None:
            object.__setattr__(self, "timestamp", moment.as_utc(self.timestamp))
        for name in ("step_outputs", "variables"):
            values = getattr(self, name)
            if not isinstance(values, Mapping):
                raise _wrong(values, name, "an object of JSON values by name")
            object.__setattr__(self, name, dict(values))

    def is_fresh(self, event_store_sequence: int) -> bool:
        """Tell whether it has seen the event of this number.

        Whether it may be used instead of the log is what ``StateStore.freshness`` tells: a
        snapshot that has seen more than the log has is left over from another log.
        """
        return self.sequence_number >= event_store_sequence

    def to_json(self) -> str:
        """Return it as JSON text; ``user_id`` only when there is one.

        Raises InvalidInputError for a value that JSON does not have.
        """
        fields: dict[str, Json] = {
            "execution_id": str(self.execution_id),
            "tenant_id": self.tenant_id,
            **({} if self.user_id is None else {"user_id": self.user_id}),
            "state": state_json(self.state, self.wait),
            "current_step_id": self.current_step_id,
            "step_outputs": self.step_outputs,
            "variables": self.variables,
            "timestamp": None if self.timestamp is None else moment.text(self.timestamp),
            "sequence_number": self.sequence_number,
        }
        return json_text("the snapshot", fields)

    @classmethod
    def from_json(cls, text: str | bytes) -> ExecutionSnapshot:
        """Read what ``to_json`` wrote; fields it does not know are left alone.

        Raises InvalidInputError naming the field that is missing or wrong.
        """
        fields = json_value("the snapshot", text)
        if not isinstance(fields, dict):
            raise _wrong(fields, "snapshot", "an object")
        for name in _REQUIRED:
            if name not in fields:
                msg = f"the snapshot has no {name}"
                raise InvalidInputError(msg, hint=f"it needs {', '.join(_REQUIRED)}")
        state, wait = state_from_json(fields["state"])
        made = fields["timestamp"]
        return cls(
            execution_id=_text(fields, "execution_id"),
            tenant_id=_text(fields, "tenant_id"),
            state=state,
            sequence_number=fields["sequence_number"],
            user_id=fields.get("user_id"),
            current_step_id=fields.get("current_step_id"),
            step_outputs=fields.get("step_outputs", {}),
            variables=fields.get("variables", {}),
            timestamp=None if made is None else moment.parse(made),
            wait=wait,
        )

    def after(self, events: Iterable[tuple[str, Json]]) -> ExecutionSnapshot:
        """Return what further events, given as kind and payload, make of the steps.

        Events of other kinds change nothing, nor do those of another shape.
        """
        current, outputs = self.current_step_id, dict(self.step_outputs)
        for kind, payload in events:
            step = payload.get("step_id") if isinstance(payload, Mapping) else None
            if kind not in STEP_KINDS or not isinstance(step, str):
                continue
            if kind == "step_started":
                current = step
            elif current == step:
                current = None
            if kind == "step_completed" and isinstance(payload, Mapping):
                outputs[step] = payload.get("output")
        return replace(self, current_step_id=current, step_outputs=outputs)


@dataclass(frozen=True, slots=True)
class CachedSnapshot:
    """A snapshot as a cache keeps it: ``text`` is its JSON.

    ``history`` has the peaks of the tree over the events that it has seen, joined; None
    where they were not to be had.
    """

    execution_id: str
    tenant_id: str
    sequence_number: int
    timestamp: datetime
    text: str
    history: bytes | None


def _one_of(kind: type[_Word], name: str, value: object) -> _Word:
    if isinstance(value, str) and value in list(kind):
        return kind(value)
    raise _wrong(value, name, f"one of {', '.join(kind)}")


def _text(fields: Mapping[str, Any], name: str) -> str:
    if isinstance(value := fields[name], str):
        return value
    raise _wrong(value, name, "a text")


def _wrong(value: object, name: str, wanted: str) -> InvalidInputError:
    msg = f"the {name} of a snapshot is {_json(value)}"
    return InvalidInputError(msg, hint=_FORM if name == "state" else f"it is {wanted}")


def _json(value: object) -> str:
    try:
        return json.dumps(value, default=repr)[:80]
    except ValueError:
        return shown(value)
