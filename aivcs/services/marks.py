"""How far a verification has come, written down now and then."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from aivcs.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from aivcs.ports import Bookmarks

_EVERY_SECONDS: Final = 2.0


class Marks:
    """The names of what was read and found in order.

    ``resume`` begins with those of an interrupted verification. Where they cannot be
    written, as on a read-only medium, they are lost, and nothing else happens.
    """

    def __init__(self, bookmarks: Bookmarks | None, now: Callable[[], float]) -> None:
        self._bookmarks = bookmarks
        self._now = now
        self._known: set[str] = set()
        self._new: list[str] = []
        self._written = now()

    def resume(self) -> None:
        """Take up the marks that are there."""
        if self._bookmarks is not None:
            self._known |= self._bookmarks.marks()

    @property
    def resumed(self) -> bool:
        """Whether there are any that an interrupted verification left."""
        return bool(self._known)

    def __contains__(self, mark: str) -> bool:
        """Tell whether something was read already."""
        return mark in self._known

    def last(self, kind: str) -> int:
        """Return the highest number among the marks ``<kind> <number>``, 0 without one."""
        prefix = f"{kind} "
        numbers = (mark.removeprefix(prefix) for mark in self._known if mark.startswith(prefix))
        return max((int(number) for number in numbers if number.isdecimal()), default=0)

    def add(self, mark: str) -> None:
        """Note that something was read, and write it down when it is time."""
        self._new.append(mark)
        if self._now() - self._written > _EVERY_SECONDS:
            self.write()

    def write(self) -> None:
        """Write down what is new."""
        if self._bookmarks is not None and self._new:
            with suppress(StorageError):
                self._bookmarks.add(self._new)
        self._new.clear()
        self._written = self._now()

    def clear(self) -> None:
        """Forget everything."""
        self._known.clear()
        self._new.clear()
        if self._bookmarks is not None:
            with suppress(StorageError):
                self._bookmarks.clear()
