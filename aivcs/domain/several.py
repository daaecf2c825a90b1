"""Where many things are asked for, one alone is refused before it is taken to pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from aivcs.domain.digest import Digest
from aivcs.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterable

_Many = TypeVar("_Many", bound="Iterable[object]")


def several(items: _Many, what: str) -> _Many:
    """Return ``items`` as they are.

    Raises InvalidInputError for a text, a digest, bytes, a path and an open file: most of
    them can be iterated over, and would give letters or lines. Also for what cannot.
    """
    single = isinstance(items, str | bytes | bytearray | memoryview | Digest)
    if single or hasattr(items, "__fspath__") or hasattr(items, "read"):
        msg = f"{what} are asked for, not one {type(items).__name__}"
        raise InvalidInputError(msg, hint="give a list, of one as well")
    given: object = items
    if not (hasattr(given, "__iter__") or hasattr(given, "__getitem__")):
        msg = f"{what} are asked for, not {'None' if given is None else type(given).__name__}"
        raise InvalidInputError(msg, hint="give a list, of one as well")
    return items
