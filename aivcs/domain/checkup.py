"""What an examination of a repository and its surroundings says."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from aivcs.errors import AivcsError

if TYPE_CHECKING:
    from collections.abc import Callable


class Check(NamedTuple):
    """One thing that was looked at: its name, whether it is well, what was seen, what to do."""

    name: str
    ok: bool
    detail: str
    hint: str | None = None


def look(name: str, see: Callable[[], str | Check]) -> Check:
    """Return what is seen, or the error that looking raises."""
    try:
        seen = see()
    except AivcsError as error:
        return failed(name, error)
    return seen if isinstance(seen, Check) else Check(name, ok=True, detail=seen)


def failed(name: str, error: AivcsError) -> Check:
    """Return the check that an error fails."""
    return Check(name, ok=False, detail=error.message, hint=error.hint)
