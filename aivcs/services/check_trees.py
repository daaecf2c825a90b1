"""What verification asks of trees and seals: that each stands for what its log holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.domain.commitment import leaf_of
from aivcs.domain.merkle import Frontier
from aivcs.domain.report import Problem
from aivcs.domain.seal import seal_hash
from aivcs.errors import CorruptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from aivcs.domain.run import RunRecord
    from aivcs.domain.stream import Entry, Stream
    from aivcs.ports import Ledger

_PAGE: Final = 500


class Growth:
    """Passes the entries of a log on, and grows its tree up to where its head counts.

    Entries that come after ``head`` was read belong to a later one. ``gap`` is the first seq
    that is not where it should be.
    """

    def __init__(self, head: Stream | None, entries: Iterable[Entry]) -> None:
        self._head = head
        self._entries = entries
        self._leaves: list[bytes] = []
        self._tree = Frontier()
        self._last = 0
        self.gap: int | None = None

    def __iter__(self) -> Iterator[Entry]:
        """Yield the entries."""
        end = self._head.size if self._head else 0
        for entry in self._entries:
            if entry.seq != self._last + 1 and self.gap is None:
                self.gap = self._last + 1
            self._last = entry.seq
            if entry.seq <= end:
                self._leaves.append(leaf_of(entry))
                if len(self._leaves) == _PAGE:
                    self._grow()
            yield entry

    def _grow(self) -> None:
        self._tree = self._tree.grown(self._leaves)
        self._leaves.clear()

    def problem(self, root: bytes | None) -> str | None:
        """Say what is wrong with the whole tree; ``root`` is the one that the run ended with."""
        self._grow()
        if self._head is None or self.gap is not None:
            return None
        if self._tree != self._head.frontier:
            return "its entries are not those that its tree was grown from"
        if root is not None and root != self._tree.root():
            return "its entries do not have the root that it ended with"
        return None


def check_seals(ledger: Ledger, takes: Callable[[str], bool]) -> Iterator[Problem]:
    """Compare the seals with the closing records of the runs that ``takes`` chooses."""
    last = 0
    while page := ledger.seals(after=last, limit=_PAGE):
        for found in page:
            if found.number != last + 1:
                detail = f"its seal has number {found.number} behind {last}"
                yield Problem("run", found.run_id, detail)
            last = found.number
            run = _readable(ledger, found.run_id) if takes(found.run_id) else None
            if run is not None and not _fits(run, found.hash):
                yield Problem("run", found.run_id, "its closing record is not the one sealed")


def _readable(ledger: Ledger, run_id: str) -> RunRecord | None:
    """Return a run; one that cannot be read was told of where runs are checked."""
    try:
        return ledger.run(run_id)
    except CorruptionError:
        return None


def _fits(run: RunRecord, sealed: bytes) -> bool:
    return run.root is not None and seal_hash(run, run.root) == sealed
