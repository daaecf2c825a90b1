"""What verification asks of trees and seals: that each stands for what its log holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.domain.commitment import leaf_of
from aivcs.domain.merkle import Frontier, leaf_hash
from aivcs.domain.report import Problem
from aivcs.domain.seal import seal_hash

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aivcs.domain.run import RunRecord
    from aivcs.domain.stream import Entry, Stream
    from aivcs.ports import Ledger

_PAGE: Final = 500


class Growth:
    """Passes the entries of a log on, and grows its tree up to where its head counts.

    Entries that come after ``head`` was read belong to a later one. ``roots`` has the tree's
    root at each of ``sizes`` that it reaches.
    """

    def __init__(
        self, head: Stream | None, entries: Iterable[Entry], sizes: Iterable[int] = ()
    ) -> None:
        self._head = head
        self._entries = entries
        self._sizes = frozenset(sizes)
        self._whole = True
        self.tree = Frontier()
        self.roots: dict[int, bytes] = {0: self.tree.root()}

    def __iter__(self) -> Iterator[Entry]:
        """Yield the entries."""
        end = self._head.size if self._head else 0
        for entry in self._entries:
            self._whole &= entry.seq > end or entry.seq == self.tree.size + 1
            if entry.seq <= end:
                self.tree = self.tree.grown([leaf_of(entry)])
                if self.tree.size in self._sizes:
                    self.roots[self.tree.size] = self.tree.root()
            yield entry

    def problem(self) -> str | None:
        """Say what is wrong with the whole tree, once all entries were passed on."""
        if self._head is None or not self._whole or self.tree == self._head.frontier:
            return None
        return "its entries are not those that its tree was grown from"


class SealChecks:
    """Reads the seals of ended runs in their order, and compares each with its run's record.

    ``number`` is that of the last seal that was read, ``last`` its hash; ``tree`` is the one
    over the hashes of all of them, where reading began with the first. ``roots`` has its root
    at each of ``sizes``.
    """

    def __init__(self, ledger: Ledger, sizes: Iterable[int] = ()) -> None:
        self._ledger = ledger
        self._hashes: dict[str, bytes] = {}
        self._sizes = frozenset(sizes)
        self.tree = Frontier()
        self.roots: dict[int, bytes] = {0: self.tree.root()}
        self.number = 0
        self.last = b""

    def read(self, number: int = 0) -> Iterator[Problem]:
        """Read the seals behind a number."""
        self.number = number
        while page := self._ledger.seals(after=self.number, limit=_PAGE):
            for found in page:
                if found.number != self.number + 1:
                    detail = f"its seal has number {found.number} behind {self.number}"
                    yield Problem("run", found.run_id, detail)
                self.number, self.last = found.number, found.hash
                self._hashes[found.run_id] = found.hash
                self.tree = self.tree.grown([leaf_hash(found.hash)])
                if self.tree.size in self._sizes:
                    self.roots[self.tree.size] = self.tree.root()

    @property
    def sealed(self) -> Iterable[str]:
        """The runs whose seals were read, in the order of ending."""
        return self._hashes.keys()

    def of(self, run_id: str) -> bytes | None:
        """Return the hash in the seal of a run; None where it was not read."""
        return self._hashes.get(run_id)

    def check(self, run: RunRecord) -> Iterator[Problem]:
        """Compare a run with its seal; one that was sealed since has none here."""
        found = self._hashes.get(run.run_id)
        if found is None:
            return
        if run.root is None or run.summary is None or seal_hash(run, run.root) != found:
            yield Problem("run", run.run_id, "its closing record is not the one sealed")
