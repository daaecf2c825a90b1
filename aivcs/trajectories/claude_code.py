"""Claude Code: a session, one JSON value a line, or one document of log lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.domain.kinds import MESSAGE_ADDED, TOOL_CALLED, TOOL_RETURNED
from aivcs.trajectories.agent import describe
from aivcs.trajectories.messages import NO_NAME, text_of
from aivcs.trajectories.transcript import Transcript
from aivcs.trajectories.verdict import only

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from aivcs.domain.canonical import Json
    from aivcs.trajectories.model import Recorded
    from aivcs.trajectories.source import Source

FORMAT: Final = "claude-code"
_EXPECTED: Final = "lines that are objects with 'type', or one object with 'loglines'"
_SPOKEN: Final = ("user", "assistant")
_MARKS: Final = ("message", "sessionId", "uuid", "leafUuid", "summary", "messageId", "snapshot")
_NO_MODEL: Final = "<synthetic>"


def recognises(value: Json) -> bool:
    """Say whether this is a session in one document, or one line of a session."""
    if not isinstance(value, dict):
        return False
    return isinstance(value.get("loglines"), list) or (
        isinstance(value.get("type"), str) and any(key in value for key in _MARKS)
    )


def read(source: Source) -> tuple[Recorded, ...]:
    """Return the one run of a session; InvalidSource when no line is an object with a type."""
    document = source.document
    loglines = document.get("loglines") if isinstance(document, dict) else None
    if isinstance(loglines, list):
        entries = [(f"log line {number}", entry) for number, entry in enumerate(loglines)]
    else:
        entries = [(f"line {number}", entry) for number, entry in source.records()]
        if not any(isinstance(entry, dict) and "type" in entry for _, entry in entries):
            raise source.misfit(FORMAT, _EXPECTED)
    session = _Session()
    for where, entry in entries:
        session.add(entry, where)
    return (session.recorded(),)


class _Session:
    """What the lines of a session say together."""

    def __init__(self) -> None:
        self._out = Transcript()
        self._tools: dict[str, Json] = {}
        self._models: set[str] = set()
        self._about: dict[str, Json] = {}

    def add(self, line: Json, where: str) -> None:
        """Add one line: an event for itself, and one for each tool use or result in it."""
        if not isinstance(line, dict):
            self._out.stray("line", line, where)
            return
        when = self._out.time(line.get("timestamp"), where)
        self._about = {**only(line, "sessionId", "version"), **self._about}
        kind = line.get("type")
        if not isinstance(kind, str):
            self._out.warn(f"{where} has no type; it is kept as a custom event.")
            self._out.custom("line", line, when)
        elif kind not in _SPOKEN:
            self._out.custom(kind, line, when)
        else:
            self._add_message(kind, line, where, when)

    def _add_message(
        self, kind: str, line: dict[str, Json], where: str, when: datetime | None
    ) -> None:
        message = line.get("message")
        said = message if isinstance(message, dict) else {"content": message}
        content = said.get("content")
        model = said.get("model")
        if isinstance(model, str) and model != _NO_MODEL:
            self._models.add(model)
        about = {key: value for key, value in line.items() if key != "message"}
        more = {key: value for key, value in said.items() if key not in ("role", "content")}
        payload: dict[str, Json] = {
            "role": said.get("role", kind),
            "content": content,
            "content_length": len(text_of(content)),
            **about,
        }
        if more:
            payload["message"] = more
        self._out.add(MESSAGE_ADDED, payload, when)
        for number, block in enumerate(content if isinstance(content, list) else ()):
            if isinstance(block, dict):
                self._add_block(block, when)
            else:
                self._out.warn(f"Content block {number} of {where} is not an object.")

    def _add_block(self, block: Mapping[str, Json], when: datetime | None) -> None:
        rest = dict(block)
        if block.get("type") == "tool_use":
            name = rest.pop("name", None) or NO_NAME
            call_id = rest.pop("id", None)
            self._tools[str(call_id)] = name
            called = {
                "tool_name": name,
                "tool_call_id": call_id,
                "arguments": rest.pop("input", None),
            }
            self._out.add(TOOL_CALLED, {**called, **rest}, when)
        elif block.get("type") == "tool_result":
            call_id = rest.pop("tool_use_id", None)
            returned = {
                "tool_name": self._tools.get(str(call_id), NO_NAME),
                "tool_call_id": call_id,
                "content": rest.pop("content", None),
            }
            self._out.add(TOOL_RETURNED, {**returned, **rest}, when)

    def recorded(self) -> Recorded:
        """Return the run."""
        models: list[Json] = [*sorted(self._models)]
        return self._out.recorded(
            0,
            FORMAT,
            tags={"format": FORMAT, **self._about},
            spec=describe(
                FORMAT,
                model={"models": models} if models else None,
                config=only(self._about, "version"),
            ),
        )
