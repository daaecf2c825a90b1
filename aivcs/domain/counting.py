"""Numbers that a caller gives to page through things: whole ones, and none beyond any count."""

from __future__ import annotations

from aivcs.domain.events import MAX_SEQ
from aivcs.domain.shown import shown
from aivcs.errors import InvalidInputError


def integer(what: str, number: object) -> int:
    """Return a whole number that every ledger can count to. Raises InvalidInputError."""
    if isinstance(number, int) and not isinstance(number, bool):
        return max(-MAX_SEQ, min(number, MAX_SEQ))
    msg = f"{what} is a whole number, not {shown(number)}"
    raise InvalidInputError(msg)


def whole(what: str, number: object) -> int:
    """Return a whole number from 0. Raises InvalidInputError."""
    if isinstance(number, int) and not isinstance(number, bool) and number >= 0:
        return min(number, MAX_SEQ)
    msg = f"{what} is a whole number from 0, not {shown(number)}"
    raise InvalidInputError(msg)


def at_most(limit: object) -> int | None:
    """Return a limit, or None where there is none. Raises InvalidInputError."""
    return None if limit is None else whole("limit", limit)
