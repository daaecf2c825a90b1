"""The event line of aivcs itself: ``{"kind", "payload"?, "timestamp"?, "seq"?}``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.domain import moment
from aivcs.domain.events import RunEvent, check_kind, check_seq
from aivcs.errors import InvalidEvent, InvalidInputError, InvalidSource
from aivcs.trajectories.source import decode, strict_loads
from aivcs.trajectories.transcript import Transcript

if TYPE_CHECKING:
    from aivcs.domain.canonical import Json
    from aivcs.trajectories.model import Recorded
    from aivcs.trajectories.source import Source

FORMAT: Final = "jsonl"
KEYS: Final = frozenset({"kind", "payload", "timestamp", "seq"})
_FORM: Final = 'an event line is an object: {"kind", "payload"?, "timestamp"?, "seq"?}'


def recognises(value: Json) -> bool:
    """Say whether this is an event line, perhaps one with a mistake in it."""
    return isinstance(value, dict) and bool(value) and ("kind" in value or value.keys() <= KEYS)


def read(source: Source) -> tuple[Recorded, ...]:
    """Return the one run whose events are the source's lines.

    Raises InvalidSource, naming the line, for everything that is not an event line.
    """
    out = Transcript()
    for number, value in source.lines():
        try:
            event = _event(value)
        except InvalidEvent as error:
            msg = f"line {number} of {source.name}: {error.message}"
            raise InvalidSource(msg, hint=error.hint or _FORM) from error
        out.append(event)
    return (out.recorded(0, FORMAT, tags={}, agent="agent"),)


def read_event_line(line: bytes | str) -> RunEvent:
    """Return the event of one line.

    ``payload`` is any JSON value, ``{}`` when absent; ``timestamp`` is RFC 3339 with an
    offset. Raises InvalidSource for what is not UTF-8 JSON, InvalidEvent for JSON that is
    not an event.
    """
    text = decode(line, "the event line") if isinstance(line, bytes) else line
    try:
        value = strict_loads(text)
    except ValueError as error:
        msg = f"the event line is not JSON: {error}"
        raise InvalidSource(msg, hint=_FORM) from error
    return _event(value)


def _event(value: object) -> RunEvent:
    if not isinstance(value, dict):
        msg = f"not an object but {type(value).__name__}"
        raise InvalidEvent(msg, hint=_FORM)
    if value.get("erased") is True:
        msg = "its body was erased, so it cannot be recorded again"
        raise InvalidEvent(msg, hint="leave out what was purged, or record the run it came from")
    if unknown := sorted(set(value) - KEYS):
        msg = f"unknown key {unknown[0][:80]!r}"
        raise InvalidEvent(msg, hint=f"{_FORM}; your own data belongs into payload")
    if "kind" not in value:
        msg = "the kind is missing"
        raise InvalidEvent(msg, hint=_FORM)
    seq, timestamp = value.get("seq"), value.get("timestamp")
    try:
        when = None if timestamp is None else moment.parse(timestamp)
    except InvalidInputError as error:
        msg = f"not a timestamp: {timestamp!r}"[:200]
        raise InvalidEvent(msg, hint="RFC 3339 with an offset: 2026-01-31T12:00:00Z") from error
    return RunEvent(
        seq=None if seq is None else check_seq(seq),
        kind=check_kind(value["kind"]),
        payload=value.get("payload", {}),
        timestamp=when,
    )
