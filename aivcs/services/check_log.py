"""Reading one log to verify it: every row, the bodies that are objects, and the tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.domain import jsontext, log_rows
from aivcs.domain.leaves import Leaves
from aivcs.domain.merkle import Frontier
from aivcs.errors import CorruptionError, Unreadable
from aivcs.services import bodies

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from aivcs.domain.rows import Row
    from aivcs.domain.stream import Family, Stream
    from aivcs.ports import Ledger
    from aivcs.services.objects import CasStore

_ALONE: Final = 1000
_HOPELESS: Final = 20


class LogReading:
    """Reads a log from behind ``start``, what an earlier verification saw of it.

    ``head`` was read before; entries that came after it belong to a later one. ``sizes`` are
    earlier sizes of the log (none below that of ``start``) whose roots are wanted, in
    ``roots``. ``unread`` says of which events the body could not be read, and why.
    """

    def __init__(
        self,
        ledger: Ledger,
        objects: CasStore,
        family: Family,
        head: Stream,
        *,
        start: Frontier | None = None,
        sizes: Sequence[int] = (),
    ) -> None:
        self._ledger = ledger
        self._objects = objects
        self._family = family
        self._head = head
        self.tree = start or Frontier()
        self._sizes = sorted(size for size in sizes if size <= head.size)
        self.roots: dict[int, bytes] = {}
        self._leaves = Leaves(self.tree.size)
        self._sound = True
        self.unread: list[str] = []

    def problems(self, count: Callable[[int], None], root: bytes | None) -> Iterator[str]:
        """Yield what is wrong, naming the event; ``root`` is that of a run that has ended.

        ``count`` is told how many entries hold, a page at a time.
        """
        self._note_roots(self.tree.size)
        for page in self._pages():
            if isinstance(page, str):
                self._sound = False
                yield page
                continue
            before, unread = len(self._leaves.wrong), len(self.unread)
            leaves = self._leaves.take(page)
            for seq, what in self._leaves.wrong[before:]:
                self._sound = False
                yield f"at event {seq}: {what}"
            bad = len(self._leaves.wrong) - before
            for row in self._leaves.large:
                if (why := self._body(row)) is not None:
                    bad += 1
                    yield f"at event {row[0]}: {why}"
            count(len(page) - bad - len(self.unread) + unread)
            if self._sound and self._leaves.gap is None:
                self._grow(leaves)
        yield from self._whole(root)

    def _pages(self) -> Iterator[Sequence[Row] | str]:
        """Yield pages; a row that spoils its page is named by its place."""
        family, name = self._family, self._head.name
        while True:
            try:
                yield from self._ledger.stored_rows(family, name, after=self._leaves.last)
            except CorruptionError as error:
                mark, named = self._leaves.last, False
                for page in self._one_by_one():
                    named = named or isinstance(page, str)
                    yield page
                if not named:
                    # Each can be found, but nobody can go from one to the next.
                    yield f"behind event {mark}: {error.message}"
            else:
                return

    def _one_by_one(self) -> Iterator[Sequence[Row] | str]:
        mark = self._leaves.last
        failed = 0
        for _ in range(_ALONE):
            try:
                found = self._ledger.stored_rows(self._family, self._head.name, after=mark, limit=1)
                page = next(iter(found), None)
            except CorruptionError as error:
                failed += 1
                mark += 1
                yield f"at event {mark}: {error.message}"
                self._leaves.last = mark
                if failed == _HOPELESS:
                    raise
                continue
            if page is None:
                return
            yield page
            mark, failed = self._leaves.last, 0

    def _body(self, row: Row) -> str | None:
        """Say how a body that is an object is damaged; None where it is not."""
        try:
            list(bodies.payloads(self._objects, [log_rows.entry(row)]))
        except CorruptionError as error:
            return error.message
        except Unreadable as error:
            self.unread.append(f"at event {row[0]}: {error.message}")
        return None

    def _grow(self, leaves: list[bytes]) -> None:
        room = self._head.size - self.tree.size
        done = 0
        for size in [*self._sizes, self._head.size]:
            wanted = size - self.tree.size
            if 0 < wanted <= len(leaves) - done:
                self.tree = self.tree.grown(leaves[done : done + wanted])
                done += wanted
                self._note_roots(size)
        if done < min(room, len(leaves)):
            self.tree = self.tree.grown(leaves[done:room])

    def _note_roots(self, size: int) -> None:
        if size in self._sizes:
            self.roots[size] = self.tree.root()

    def _whole(self, root: bytes | None) -> Iterator[str]:
        gap = self._leaves.gap
        if gap is None and self._leaves.last < self._head.size:
            gap = self._leaves.last + 1
        if gap is not None:
            yield f"event {gap} is missing"
        elif self._sound and self.tree != self._head.frontier:
            yield from self._unreadable()
            yield "its entries are not those that its tree was grown from"
        elif self._sound and root is not None and root != self.tree.root():
            yield "its entries do not have the root that it ended with"

    def _unreadable(self) -> Iterator[str]:
        """Name events whose bodies nobody can have written; a whole log has none."""
        for page in self._ledger.stored_rows(self._family, self._head.name):
            for row in page:
                try:
                    jsontext.decode("null" if row[4] is None else row[4])
                except CorruptionError as error:
                    yield f"at event {row[0]}: {error.message}"
