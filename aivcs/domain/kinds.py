"""The registry of event kinds: which fields a payload of each kind must have.

It joins the vocabularies of runs, of executions and of recorded commands. A run takes any
kind; this registry is asked where the meaning of a kind matters.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeVar

from aivcs.domain.execution import WaitReason
from aivcs.domain.fields import (
    COUNT,
    FLAG,
    JSON,
    NAME,
    NUMBER,
    OBJECT,
    SMALL_COUNT,
    TEXT,
    TEXTS,
    WHOLE,
    Field,
    check_fields,
    one_of,
)
from aivcs.errors import InvalidEvent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aivcs.domain.fields import FieldType

T = TypeVar("T")

CUSTOM: Final = "custom"
CUSTOM_PREFIX: Final = "Custom:"
MESSAGE_ADDED: Final = "message_added"
TOOL_CALLED: Final = "tool_called"
TOOL_RETURNED: Final = "tool_returned"
EVALUATION_RESULT: Final = "evaluation_result"
CHECKPOINT_SAVED: Final = "checkpoint_saved"
COMMAND_STARTED: Final = "command_started"
COMMAND_EXITED: Final = "command_exited"
OUTPUT: Final = "output"
BISECT_STARTED: Final = "bisect_started"
BISECT_EVALUATED: Final = "bisect_evaluated"
BISECT_ENDED: Final = "bisect_ended"


def _fields(*required: tuple[str, FieldType], **optional: FieldType) -> tuple[Field, ...]:
    return (
        *(Field(name, type_) for name, type_ in required),
        *(Field(name, type_, required=False) for name, type_ in optional.items()),
    )


_NODE: Final = ("node_id", TEXT)
_STEP: Final = ("step_id", NAME)
_TOOL: Final = ("tool_name", TEXT)
_DURATION: Final = ("duration_ms", COUNT)
_CALL: Final = ("tool_call_id", NAME)

FIELDS: Final[Mapping[str, tuple[Field, ...]]] = MappingProxyType(
    {
        "graph_started": _fields(("graph_name", TEXT), ("entry_point", TEXT)),
        "graph_completed": _fields(("iterations", COUNT), _DURATION),
        "graph_failed": _fields(("error", TEXT)),
        "graph_interrupted": _fields(("reason", TEXT), _NODE),
        "node_entered": _fields(_NODE, ("iteration", COUNT)),
        "node_exited": _fields(_NODE, next_node=TEXT, duration_ms=COUNT),
        "node_failed": _fields(_NODE, ("error", TEXT)),
        "node_retrying": _fields(_NODE, ("attempt", COUNT), delay_ms=COUNT),
        TOOL_CALLED: _fields(_TOOL),
        TOOL_RETURNED: _fields(_TOOL),
        "tool_failed": _fields(_TOOL),
        CHECKPOINT_SAVED: _fields(
            ("checkpoint_id", NAME), node_id=TEXT, step_id=NAME, state_hash=TEXT
        ),
        "checkpoint_restored": _fields(("checkpoint_id", NAME), _NODE),
        "checkpoint_deleted": _fields(("checkpoint_id", NAME)),
        "state_updated": _fields(_NODE, keys_changed=TEXTS),
        MESSAGE_ADDED: _fields(("role", TEXT), content_length=COUNT),
        "execution_planning": (),
        "execution_started": _fields(parent=OBJECT, metadata=JSON),
        "step_started": _fields(_STEP, ("step_type", NAME), ("name", TEXT), parent_step_id=NAME),
        "step_completed": _fields(_STEP, _DURATION, output=TEXT),
        "step_failed": _fields(_STEP, ("error", OBJECT)),
        "execution_paused": _fields(("reason", TEXT)),
        "execution_resumed": (),
        "execution_waiting": _fields(("reason", one_of(WaitReason)), detail=TEXT),
        "execution_input_received": (),
        "execution_completed": _fields(_DURATION, output=TEXT),
        "execution_failed": _fields(("error", OBJECT)),
        "execution_cancelled": _fields(("reason", TEXT)),
        "artifact_stored": _fields(
            ("artifact_id", NAME), _STEP, ("content_hash", TEXT), ("size_bytes", COUNT)
        ),
        "step_discovered": _fields(
            _STEP,
            ("source_type", NAME),
            ("reason", TEXT),
            ("depth", SMALL_COUNT),
            discovered_by=NAME,
        ),
        "tool_call_started": _fields(_CALL, _TOOL, ("input", JSON), step_id=NAME),
        "tool_call_completed": _fields(_CALL, ("output", JSON), step_id=NAME),
        "goal_evaluated": _fields(
            ("goal_id", NAME),
            ("status", one_of(["met", "not_met", "progressing"])),
            step_id=NAME,
            score=NUMBER,
            reason=TEXT,
        ),
        EVALUATION_RESULT: _fields(
            ("suite", TEXT),
            ("example_id", TEXT),
            ("passed", FLAG),
            score=NUMBER,
            tags=JSON,
            trial=JSON,
        ),
        COMMAND_STARTED: _fields(("argv", TEXTS), ("cwd", TEXT)),
        OUTPUT: _fields(("stream", TEXT)),
        COMMAND_EXITED: _fields(("exit_status", WHOLE), _DURATION),
        BISECT_STARTED: _fields(("good", OBJECT), ("bad", OBJECT), ("check", OBJECT)),
        BISECT_EVALUATED: _fields(("spec_digest", NAME), ("answer", NAME), _DURATION),
        BISECT_ENDED: _fields(("first_bad", JSON), ("last_good", OBJECT), ("confidence", NUMBER)),
    }
)
"""Every known kind and its fields; ``custom`` stands outside."""

KINDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {kind: tuple(one.name for one in fields if one.required) for kind, fields in FIELDS.items()}
)
"""Every known kind and the names of the fields it requires."""


def check_kind_payload(kind: str, payload: object) -> None:
    """Raise InvalidEvent for an unknown kind, or a payload without a required field.

    ``custom`` and every kind that begins with ``Custom:`` take any payload. Fields are
    required to be present; their values are not looked at.
    """
    if is_custom(kind):
        return
    required = _known(kind, KINDS)
    if not isinstance(payload, dict):
        msg = f"the payload of {kind} must be an object, not {type(payload).__name__}"
        raise InvalidEvent(msg)
    for name in required:
        if name not in payload:
            msg = f"the payload of {kind} has no field {name!r}"
            raise InvalidEvent(msg, hint=f"{kind} requires: {', '.join(required)}")


def check_payload(kind: str, payload: object) -> None:
    """Raise InvalidEvent as ``check_kind_payload`` does, and for a field of a wrong type.

    The message names the field. Fields that the registry does not name are left alone.
    """
    if is_custom(kind):
        return
    fields = _known(kind, FIELDS)
    if not isinstance(payload, dict):
        msg = f"the payload of {kind} must be an object, not {type(payload).__name__}"
        raise InvalidEvent(msg)
    check_fields(f"the payload of {kind}", fields, payload, open_ended=True)


def is_custom(kind: str) -> bool:
    """Tell whether a kind is one's own: ``custom``, or anything that begins with ``Custom:``."""
    return kind == CUSTOM or kind.startswith(CUSTOM_PREFIX)


def _known(kind: str, registry: Mapping[str, T]) -> T:
    found = registry.get(kind)
    if found is None:
        msg = f"unknown event kind: {kind!r}"
        raise InvalidEvent(msg, hint=f"use {CUSTOM}, or {CUSTOM_PREFIX}NAME, for your own kinds")
    return found
