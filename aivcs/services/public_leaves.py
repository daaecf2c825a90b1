"""The leaves of the two public logs, read from the ledger in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from aivcs.domain.digest import Digest
from aivcs.domain.release_leaf import release_leaf
from aivcs.errors import CorruptionError
from aivcs.services import bodies
from aivcs.services.release_entry import read_record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.domain.canonical import Json
    from aivcs.domain.stream import Released
    from aivcs.ports import Ledger
    from aivcs.services.objects import CasStore

RELEASES: Final = "releases"
RUNS: Final = "runs"
PAGE: Final = 1024


class PublicLeaves(Protocol):
    """A log's leaves; ``name`` is that of the log."""

    @property
    def name(self) -> str:
        """Return ``releases`` or ``runs``."""
        ...

    def page(self, after: int, limit: int = PAGE) -> list[bytes]:
        """Return the data of the leaves behind the first ``after``; CorruptionError for a gap."""
        ...


def every_leaf(leaves: PublicLeaves, after: int = 0) -> Iterator[bytes]:
    """Yield all leaves behind the first ``after``, in constant memory."""
    while page := leaves.page(after):
        yield from page
        after += len(page)


class ReleaseLeaves:
    """The log of all releases."""

    name = RELEASES

    def __init__(self, ledger: Ledger, objects: CasStore) -> None:
        self._ledger = ledger
        self._objects = objects

    def page(self, after: int, limit: int = PAGE) -> list[bytes]:
        """Return a page of leaves; those of announcements are their texts."""
        lines = self._ledger.release_log(after, limit)
        _check_dense(self.name, after, [line.number for line in lines])
        entries = (line.entry for line in lines if line.entry is not None)
        found = {entry.number: body for entry, body in bodies.payloads(self._objects, entries)}
        return [_leaf(line, found.get(line.number)) for line in lines]


def _leaf(line: Released, body: Json) -> bytes:
    if line.entry is None or line.name is None:
        return (line.announcement or "").encode()
    said: Any = body
    try:
        spec = Digest.parse(said["spec_digest"])
    except (KeyError, TypeError, ValueError):
        # Reading it as a record says what is wrong with it.
        spec = read_record(line.name, line.entry, body).spec_digest
    return release_leaf(line.name, line.entry, spec)


class RunLeaves:
    """The log of all runs that have ended: the hashes of their seals."""

    name = RUNS

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def page(self, after: int, limit: int = PAGE) -> list[bytes]:
        """Return a page of leaves."""
        seals = self._ledger.seals(after, limit)
        _check_dense(self.name, after, [seal.number for seal in seals])
        return [seal.hash for seal in seals]


def _check_dense(name: str, after: int, numbers: list[int]) -> None:
    for expected, number in enumerate(numbers, after + 1):
        if number != expected:
            msg = f"the log of {name} has number {number} where {expected} should be"
            raise CorruptionError(msg, hint="'aivcs verify' names what is damaged")
