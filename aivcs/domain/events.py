"""Events: what a run did, numbered 1, 2, 3 ... without a gap."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from aivcs.domain.shown import shown
from aivcs.errors import InvalidEvent

if TYPE_CHECKING:
    from datetime import datetime

    from aivcs.domain.canonical import Json

MAX_KIND: Final = 256
MAX_SEQ: Final = 2**53 - 1


@dataclass(frozen=True, slots=True)
class RunEvent:
    """One event. ``seq`` None means the next; ``timestamp`` None the time of recording.

    Of an ``erased`` one the payload is gone and None; it is never appended.
    """

    seq: int | None
    kind: str
    payload: Json = field(default_factory=dict)
    timestamp: datetime | None = None
    erased: bool = False


def check_kind(kind: object) -> str:
    """Return a kind: any non-blank text of up to 256 characters, else InvalidEvent."""
    if isinstance(kind, str) and _is_kind(kind):
        return kind
    msg = f"not an event kind: {shown(kind)}"
    raise InvalidEvent(msg, hint="a kind is a non-empty text, for example tool_called")


@lru_cache(maxsize=1024)
def _is_kind(text: str) -> bool:
    if not text.strip() or len(text) > MAX_KIND or "\0" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_seq(seq: object) -> int:
    """Return a caller-given seq: a whole number from 1, else InvalidEvent."""
    if isinstance(seq, int) and not isinstance(seq, bool) and 1 <= seq <= MAX_SEQ:
        return seq
    msg = f"not an event seq: {shown(seq)}"
    raise InvalidEvent(msg, hint="events are numbered from 1")
