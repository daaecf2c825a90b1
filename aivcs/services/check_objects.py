"""What verification asks of hot and large objects, and of files that belong to none."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from aivcs.domain.blobname import large_name, pack_name
from aivcs.domain.digest import Digest
from aivcs.domain.report import UNREADABLE, Problem, Severity
from aivcs.domain.usage import UseKind
from aivcs.errors import CorruptionError, InvalidDigest, NotFound, StorageError, Unreadable
from aivcs.services.check_hot import PAGE
from aivcs.services.unread import unread

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aivcs.domain.stored import StoredObject
    from aivcs.ports import BlobStore, Ledger
    from aivcs.services.breakage import Breakage
    from aivcs.services.objects import CasStore
    from aivcs.services.tally import Tally


class ObjectChecks:
    """Reads objects through the store, one by one."""

    def __init__(
        self, ledger: Ledger, blobs: BlobStore, objects: CasStore, breakage: Breakage, tally: Tally
    ) -> None:
        self._ledger = ledger
        self._blobs = blobs
        self._objects = objects
        self._breakage = breakage
        self._tally = tally

    def hot(self, after: int) -> Iterator[Problem]:
        """Hash hot objects from behind a number on, in the order of storing."""
        while True:
            try:
                page = self._ledger.hot(after=after, limit=PAGE)
            except CorruptionError:
                yield from self.hot_by_digest()
                return
            if not page:
                return
            yield from self._read(page)
            after = page[-1][0]

    def hot_pages(self) -> Iterator[int]:
        """Yield the numbers behind which pages of hot objects begin; some may be empty."""
        first = self._ledger.hot(limit=1)
        if not first:
            return
        low, step = first[0][0], 1
        while self._ledger.hot(after=low + step - 1, limit=1):
            step *= 2
        yield from range(low - 1, low + step - 1, PAGE)

    def hot_page(self, after: int) -> list[Problem]:
        """Hash the hot objects of one page."""
        page = self._ledger.hot(after=after, limit=PAGE)
        return self._read([row for row in page if row[0] <= after + PAGE])

    def _read(self, page: list[tuple[int, StoredObject]]) -> list[Problem]:
        damage: dict[Digest, str] = {}
        for _, stored in page:
            try:
                self._objects.read(stored)
            except CorruptionError as error:
                damage[stored.digest] = error.message
        self._tally.count("objects", len(page))
        return self.damaged(damage)

    def damaged(self, damage: dict[Digest, str]) -> list[Problem]:
        """Return what is damaged of objects that were, unless nothing of it is left."""
        still: dict[Digest, str] = {}
        hidden: dict[Digest, str] = {}
        for digest, detail in damage.items():
            try:
                self._objects.check(digest)
            except NotFound:
                continue  # somebody deleted it meanwhile
            except CorruptionError as error:
                still[digest] = error.message or detail
            except Unreadable as error:
                hidden[digest] = f"object {digest} could not be read: {error.message}"
        return [*self._breakage.problems(still), *self._breakage.unread(hidden)]

    def unread(self, large: dict[Digest, str]) -> Iterator[Problem]:
        """Name the files of large objects that could not be read, each given with the reason."""
        for digest, reason in large.items():
            if self._is_large(digest):  # else somebody deleted it meanwhile
                yield from unread(large_name(digest), reason, [digest], self._breakage)

    def hot_by_digest(self) -> Iterator[Problem]:
        """Find the rows that cannot be read, and check the others."""
        after: Digest | None = None
        while page := self._ledger.digests(after=after, limit=PAGE):
            damage: dict[Digest, str] = {}
            for digest, stored in self._rows(page):
                if isinstance(stored, CorruptionError):
                    damage[digest] = stored.message
                elif stored.data is None:
                    continue
                else:
                    try:
                        self._objects.read(stored)
                    except CorruptionError as error:
                        damage[digest] = error.message
                self._tally.count("objects")
            yield from self.damaged(damage)
            after = page[-1]

    def _rows(self, page: list[Digest]) -> Iterator[tuple[Digest, StoredObject | CorruptionError]]:
        try:
            yield from self._ledger.objects(page).items()
        except CorruptionError:
            for digest in page:
                try:
                    yield from self._ledger.objects([digest]).items()
                except CorruptionError as error:
                    yield digest, error

    def large(self) -> Iterator[StoredObject]:
        """Yield every large object of the ledger."""
        after: Digest | None = None
        while page := self._ledger.large(after=after):
            yield from page
            after = page[-1].digest

    def strays(self, large: Iterable[StoredObject]) -> Iterator[Problem]:
        """Look for files that no row names, and that nobody is about to name."""
        names = {large_name(stored.digest) for stored in large}
        try:
            found = [name for name in self._blobs.names() if name not in names]
        except Unreadable as error:
            yield Problem(UNREADABLE, "objects", error.message)
            return
        if not found:
            return
        # A file comes before its row: who seals, collects or repairs has one at the moment.
        with ExitStack() as stack:
            try:
                alone = stack.enter_context(self._ledger.upkeep(wait=False))
            except StorageError:
                alone = False  # who may only read the folder cannot know
            packs = {pack_name(pack.digest) for pack in self._ledger.packs()}
            for name in found:
                if name in packs or not self._is_stray(name, alone=alone):
                    continue
                detail = "no object of the ledger is stored in this file"
                yield Problem("blob", name, detail, Severity.WARNING)

    def _is_stray(self, name: str, *, alone: bool) -> bool:
        if not self._blobs.exists(name):
            return False
        try:
            digest = Digest.parse(name.rpartition("/")[2].partition(".")[0])
        except InvalidDigest:
            return True
        if name == pack_name(digest):
            return alone
        held = (use.kind is UseKind.LEASE for use in self._ledger.uses([digest]))
        return name != large_name(digest) or not (self._is_large(digest) or any(held))

    def _is_large(self, digest: Digest) -> bool:
        try:
            stored = self._ledger.objects([digest]).get(digest)
        except CorruptionError:
            return True  # its row is there, though nobody can read it
        return stored is not None and stored.data is None and stored.place is None
