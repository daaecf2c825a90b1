"""Chat messages, as several formats share them, become events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.domain.kinds import MESSAGE_ADDED, TOOL_CALLED, TOOL_RETURNED
from aivcs.trajectories.source import strict_loads

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aivcs.domain.canonical import Json
    from aivcs.trajectories.transcript import Transcript

NO_NAME: Final = "unknown"
_PROMPT_ROLES: Final = ("system", "developer")
_RESULT_ROLES: Final = ("tool", "function")


def add_messages(out: Transcript, messages: Sequence[Json], where: str) -> None:
    """Add one ``message_added`` a message, and its tool calls and tool result after it.

    A message that is not an object is kept as ``custom``, with a warning.
    """
    names: dict[object, Json] = {}
    for number, message in enumerate(messages):
        place = f"message {number} of {where}"
        if not isinstance(message, dict):
            out.stray("message", message, place)
            continue
        calls = list(_calls(message))
        if "role" not in message:
            out.warn(f"{place} has no role.")
        payload = message_payload(message)
        for key in ("tool_calls", "function_call"):
            if calls and isinstance(message.get(key), list | dict):
                del payload[key]
        out.add(MESSAGE_ADDED, payload)
        for call in calls:
            if not isinstance(call, dict):
                out.stray("tool_call", call, f"a tool call in {place}")
                continue
            called = _call(call)
            names[_key(called["tool_call_id"])] = called["tool_name"]
            out.add(TOOL_CALLED, called)
        if message.get("role") in _RESULT_ROLES:
            call_id = message.get("tool_call_id")
            out.add(
                TOOL_RETURNED,
                {
                    "tool_name": message.get("name") or names.get(_key(call_id), NO_NAME),
                    "tool_call_id": call_id,
                    "content": message.get("content"),
                },
            )


def message_payload(message: dict[str, Json]) -> dict[str, Json]:
    """Return the payload of ``message_added``: role, content, its length, the rest."""
    content = message.get("content")
    return {
        "role": message.get("role", NO_NAME),
        **({"name": message["name"]} if "name" in message else {}),
        "content": content,
        "content_length": len(text_of(content)),
        **message,
    }


def prompts_of(messages: Sequence[Json]) -> list[str]:
    """Return the texts of the system messages that open a conversation."""
    found: list[str] = []
    for message in messages:
        if not isinstance(message, dict) or message.get("role") not in _PROMPT_ROLES:
            break
        text = text_of(message.get("content"))
        if text:
            found.append(text)
    return found


def tool_names(messages: Sequence[Json]) -> set[str]:
    """Return the names of the tools that the messages call."""
    calls = (call for m in messages if isinstance(m, dict) for call in _calls(m))
    names = (_call(call)["tool_name"] for call in calls if isinstance(call, dict))
    return {name for name in names if isinstance(name, str)}


def text_of(content: object) -> str:
    """Return the text of a message's content: itself, or its text blocks joined."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        texts = (block.get("text") if isinstance(block, dict) else block for block in content)
        return "\n".join(text for text in texts if isinstance(text, str))
    return ""


def _calls(message: dict[str, Json]) -> Iterator[Json]:
    calls, call = message.get("tool_calls"), message.get("function_call")
    if isinstance(calls, list):
        yield from calls
    if isinstance(call, dict):
        yield call


def _call(call: dict[str, Json]) -> dict[str, Json]:
    rest = dict(call)
    function = rest.pop("function", None)
    inner = dict(function) if isinstance(function, dict) else {}
    if function is not None and not isinstance(function, dict):
        rest["function"] = function
    payload: dict[str, Json] = {
        "tool_name": inner.pop("name", None) or rest.pop("name", None) or NO_NAME,
        "tool_call_id": rest.pop("id", None),
        "arguments": _arguments(
            inner.pop("arguments") if "arguments" in inner else rest.pop("arguments", None)
        ),
    }
    return {**payload, **inner, **rest, **payload}


def _arguments(value: Json) -> Json:
    if not isinstance(value, str):
        return value
    try:
        return strict_loads(value)
    except ValueError:
        return value


def _key(value: Json) -> object:
    return value if isinstance(value, str) else None
