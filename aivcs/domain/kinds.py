"""The registry of event kinds: which fields a payload of each kind must have.

It joins the vocabularies of runs, of executions and of recorded commands. A run takes any
kind; this registry is asked where the meaning of a kind matters.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from aivcs.errors import InvalidEvent

if TYPE_CHECKING:
    from collections.abc import Mapping

CUSTOM: Final = "custom"
CUSTOM_PREFIX: Final = "Custom:"
MESSAGE_ADDED: Final = "message_added"
TOOL_CALLED: Final = "tool_called"
TOOL_RETURNED: Final = "tool_returned"
EVALUATION_RESULT: Final = "evaluation_result"
COMMAND_STARTED: Final = "command_started"
COMMAND_EXITED: Final = "command_exited"
OUTPUT: Final = "output"

KINDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "graph_started": ("graph_name", "entry_point"),
        "graph_completed": ("iterations", "duration_ms"),
        "graph_failed": ("error",),
        "graph_interrupted": ("reason", "node_id"),
        "node_entered": ("node_id", "iteration"),
        "node_exited": ("node_id",),
        "node_failed": ("node_id", "error"),
        "node_retrying": ("node_id", "attempt"),
        TOOL_CALLED: ("tool_name",),
        TOOL_RETURNED: ("tool_name",),
        "tool_failed": ("tool_name",),
        "checkpoint_saved": ("checkpoint_id",),
        "checkpoint_restored": ("checkpoint_id", "node_id"),
        "checkpoint_deleted": ("checkpoint_id",),
        "state_updated": ("node_id",),
        MESSAGE_ADDED: ("role",),
        "execution_started": (),
        "step_started": ("step_id", "step_type", "name"),
        "step_completed": ("step_id", "duration_ms"),
        "step_failed": ("step_id", "error"),
        "execution_paused": ("reason",),
        "execution_resumed": (),
        "execution_completed": ("duration_ms",),
        "execution_failed": ("error",),
        "execution_cancelled": ("reason",),
        "artifact_stored": ("artifact_id", "step_id", "content_hash", "size_bytes"),
        "step_discovered": ("step_id", "source_type", "reason", "depth"),
        "tool_call_started": ("tool_call_id", "tool_name", "input"),
        "tool_call_completed": ("tool_call_id", "output"),
        "goal_evaluated": ("goal_id", "status"),
        EVALUATION_RESULT: ("suite", "example_id", "passed"),
        COMMAND_STARTED: ("argv", "cwd"),
        OUTPUT: ("stream",),
        COMMAND_EXITED: ("exit_status", "duration_ms"),
    }
)
"""Every known kind and the fields it requires; ``custom`` stands outside."""


def check_kind_payload(kind: str, payload: object) -> None:
    """Raise InvalidEvent for an unknown kind, or a payload without a required field.

    ``custom`` and every kind that begins with ``Custom:`` take any payload. Fields are
    required to be present; their values are not looked at.
    """
    if kind == CUSTOM or kind.startswith(CUSTOM_PREFIX):
        return
    required = KINDS.get(kind)
    if required is None:
        msg = f"unknown event kind: {kind!r}"
        raise InvalidEvent(msg, hint=f"use {CUSTOM}, or {CUSTOM_PREFIX}NAME, for your own kinds")
    if not isinstance(payload, dict):
        msg = f"the payload of {kind} must be an object, not {type(payload).__name__}"
        raise InvalidEvent(msg)
    for name in required:
        if name not in payload:
            msg = f"the payload of {kind} has no field {name!r}"
            raise InvalidEvent(msg, hint=f"{kind} requires: {', '.join(required)}")
