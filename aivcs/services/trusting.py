"""What the last verification saw, kept in the cache."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from aivcs.domain.trust import Trusted
from aivcs.errors import StorageError

if TYPE_CHECKING:
    from aivcs.ports import Bookmarks


class Trust:
    """Reads and writes it. Where that is not possible, the next verification reads more."""

    def __init__(self, bookmarks: Bookmarks | None) -> None:
        self._bookmarks = bookmarks

    def read(self) -> Trusted | None:
        """Return what was seen last; None where that is not known."""
        texts = () if self._bookmarks is None else self._bookmarks.marks()
        found = [trusted for text in texts if (trusted := Trusted.parse(text)) is not None]
        return max(found, key=lambda trusted: trusted.seals, default=None)

    def write(self, trusted: Trusted) -> None:
        """Remember what was seen, in place of what was seen before."""
        if self._bookmarks is not None:
            with suppress(StorageError):
                self._bookmarks.clear()
                self._bookmarks.add([trusted.text()])
