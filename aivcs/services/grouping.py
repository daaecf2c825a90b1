"""The order of objects in a pack: alike ones side by side, so that they compress together."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

_SNIFFED: Final = 256
_LONGEST_CHARACTER: Final = 4


class Look(IntEnum):
    """What an object looks like; objects of a pack are in this order.

    Nothing finer pays: what is stored one after the other belongs to one run and repeats
    itself more than objects of one shape do.
    """

    JSON = 0
    TEXT = 1
    BINARY = 2


def look(content: bytes) -> Look:
    """Return what the beginning of an object looks like."""
    head = content[:_SNIFFED]
    if head.lstrip()[:1] in {b"{", b"["}:
        return Look.JSON
    if b"\0" in head:
        return Look.BINARY
    try:
        head.decode()
    except UnicodeDecodeError as error:
        cut = len(content) > _SNIFFED and error.start > _SNIFFED - _LONGEST_CHARACTER
        return Look.TEXT if cut else Look.BINARY
    return Look.TEXT
