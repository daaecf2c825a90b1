"""Hashing hot objects page by page, in whatever process has time for it."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

from aivcs.domain.stored import Codec
from aivcs.errors import CorruptionError
from aivcs.services import frames
from aivcs.services.jobs import Job

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from aivcs.domain.report import Problem
    from aivcs.ports import Ledger
    from aivcs.services.check_objects import ObjectChecks
    from aivcs.services.marks import Marks
    from aivcs.services.tally import Tally

_RAW: Final = int(Codec.RAW)
_ZSTD: Final = int(Codec.ZSTD)
PAGE: Final = 500
"""So many numbers are behind one another in a page; some may be free."""


class HotChecks:
    """Makes a job of each page of hot objects, from behind the last mark on.

    A page that is not in order is read once more, object by object, to tell what is wrong.
    ``reader`` gives the ledger of the process that asks.
    """

    def __init__(
        self,
        ledger: Ledger,
        reader: Callable[[], Ledger],
        objects: ObjectChecks,
        tally: Tally,
        marks: Marks,
    ) -> None:
        self._ledger = ledger
        self._reader = reader
        self._objects = objects
        self._tally = tally
        self._marks = marks
        self._waiting: dict[int, bool] = {}
        self._unreadable = False
        self.pages = self._find()
        self._next = self.pages.start

    def _find(self) -> range:
        after = self._marks.last("hot")
        try:
            first = self._ledger.hot(after=after, limit=1)
            if not first:
                return range(after, after, PAGE)
            after = first[0][0] - 1
            return range(after, after + self._ledger.backlog(), PAGE)
        except CorruptionError:
            return range(after, after + 1, PAGE)

    def jobs(self) -> Iterator[Job[int | None]]:
        """Yield a job for each page."""
        for after in self.pages:
            yield self._job(after)

    def _job(self, after: int) -> Job[int | None]:
        return Job(lambda: in_order(self._reader(), after), lambda found: self._take(after, found))

    def _take(self, after: int, found: int | None) -> list[Problem]:
        problems: list[Problem] = []
        if found is None:
            problems = self._look_closely(after)
        else:
            self._tally.count("objects", found)
        self._mark(after, sound=found is not None or not (problems or self._unreadable))
        return problems

    def _look_closely(self, after: int) -> list[Problem]:
        if self._unreadable:
            return []
        try:
            return self._objects.hot_page(after)
        except CorruptionError:
            self._unreadable = True
            return list(self._objects.hot_by_digest())

    def _mark(self, after: int, *, sound: bool) -> None:
        """Mark how far all is in order; pages may come in any order."""
        self._waiting[after] = sound
        while self._waiting.pop(self._next, False):
            self._next += PAGE
            self._marks.add(f"hot {self._next}")

    def rest(self) -> Iterator[Problem]:
        """Check what lies behind the last page."""
        if not self._unreadable:
            yield from self._objects.hot(self.pages.start + PAGE * len(self.pages))


def in_order(ledger: Ledger, after: int) -> int | None:
    """Return how many objects a page has if each has its digest and size, else None."""
    try:
        page = ledger.hot_rows(after, after + PAGE)
    except CorruptionError:
        return None
    return len(page) if _are_sound(page) else None


def _are_sound(page: Iterable[tuple[bytes, int, int, bytes]]) -> bool:
    import zstandard

    unpack = frames.unpacker_of(None).decompress
    size_of = zstandard.frame_content_size
    try:
        for digest, size, codec, data in page:
            content = data
            if codec == _ZSTD:
                # A header is believed only when it says what the row says.
                if size > frames.MAX_UNPACKED or size_of(data) != size:
                    return False
                content = unpack(data, max_output_size=size, allow_extra_data=False)
            elif codec != _RAW:
                return False
            if len(content) != size or sha256(content).digest() != digest:
                return False
    except (zstandard.ZstdError, TypeError, ValueError, OverflowError):
        return False  # a damaged page can hand out cells of other types, too
    return True
