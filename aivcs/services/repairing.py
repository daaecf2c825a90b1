"""Repair: the index from the packs, damaged bytes set aside, objects from second copies."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Final

from aivcs.domain.batch import Batch
from aivcs.domain.blobname import large_name, pack_name
from aivcs.domain.digest import Digest
from aivcs.domain.repair import Repaired, Unhealed
from aivcs.domain.report import UNREADABLE, Problem
from aivcs.errors import CorruptionError, InvalidDigest, NotFound, Unreadable
from aivcs.services.breakage import Breakage
from aivcs.services.check_content import ContentChecks
from aivcs.services.copies import Copies
from aivcs.services.evacuating import Evacuation
from aivcs.services.marks import Marks
from aivcs.services.missing import missing
from aivcs.services.reachability import Closure
from aivcs.services.rebuilding import Rebuilder
from aivcs.services.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import BinaryIO

    from aivcs.domain.stored import StoredObject
    from aivcs.ports import BlobStore, Ledger, Spread
    from aivcs.services.objects import CasStore
    from aivcs.services.quarantine import Quarantine

_ROWS: Final = 500
_BYTES: Final = 8 * 2**20


class Repairer:
    """Mends what can be mended, once. What cannot stays, for a better copy to come.

    ``quarantine`` takes the damaged bytes. With ``dry_run`` nothing is changed. Wherever it
    is interrupted, nothing is lost, and the next repair goes on. ``reader`` gives a ledger
    to the process that calls it, which may be a copy of this one.
    """

    def __init__(  # noqa: PLR0913 - one argument a part
        self,
        ledger: Ledger,
        blobs: BlobStore,
        objects: CasStore,
        spread: Spread,
        quarantine: Quarantine,
        advance: Callable[[], None],
        *,
        dry_run: bool,
        reader: Callable[[], Ledger] | None = None,
    ) -> None:
        self._ledger = ledger
        self._blobs = blobs
        self._objects = objects
        self._spread = spread
        self._quarantine = quarantine
        self._advance = advance
        self._dry_run = dry_run
        self._reader = reader
        self._evacuation = Evacuation(ledger, blobs, objects.packs, quarantine)
        self._healed: dict[Digest, None] = {}
        self._discarded: list[Digest] = []
        self._unread: dict[str, Problem] = {}
        self._rewritten = 0

    def repair(self, others: Sequence[CasStore]) -> Repaired:
        """Repair, with copies from ``others`` where this repository has none.

        What cannot be read may be sound: it is named, and stays as it is. Where the index is
        damaged and a pack cannot be read, Unreadable is raised, and nothing is done.
        """
        copies = Copies(self._blobs, self._objects.packs, others)
        with self._ledger.upkeep(wait=True):
            return self._repair(copies)

    def _repair(self, copies: Copies) -> Repaired:
        rebuilt = self._index(copies)
        problems = self._damage()
        self._unread = {one.id: one for one in problems if one.kind == UNREADABLE}
        damaged = dict.fromkeys(d for one in problems if (d := _digest(one, "pack")))
        # What is in a pack that could not be read may be whole.
        packs = [pack for pack in damaged if pack_name(pack) not in self._unread]
        stuck = {pack: self._empty(pack) for pack in packs}
        details = {d: one.detail for one in problems if (d := _digest(one, "object"))}
        left = self._heal(copies, details)
        unhealed = self._discard(left)
        for pack in packs:
            try:
                self._leave(pack, stuck[pack])
            except Unreadable as error:
                copies.unread[pack_name(pack)] = error.message
        for name, reason in copies.unread.items():
            self._unread.setdefault(name, Problem(UNREADABLE, name, reason))
        if not (unhealed or self._unread):
            self._evacuation.clear(list(copies.packs()))
        return Repaired(
            tuple(self._healed),
            (*unhealed, *self._ledger_damage()),
            tuple(self._quarantine.names),
            tuple(self._discarded),
            rebuilt,
            self._dry_run,
            self._rewritten,
            tuple(self._unread.values()),
        )

    def _leave(self, pack: Digest, stuck: set[Digest]) -> None:
        """Set a pack aside when nothing is in it any more."""
        if not self._dry_run:
            self._evacuation.leave(pack)
        elif stuck <= {*self._healed, *self._discarded}:
            self._quarantine.keep_file(self._blobs, pack_name(pack))

    def _empty(self, pack: Digest) -> set[Digest]:
        """Move what is whole out of a damaged pack; a dry run returns what would stay in it."""
        stuck: set[Digest] = set()
        if self._dry_run:
            moved, stuck = self._evacuation.rehearse(pack, self._advance)
        else:
            moved = self._evacuation.evacuate(pack, self._advance)
        self._rewritten += moved
        return stuck

    def _index(self, copies: Copies) -> int:
        breakage = Breakage(self._ledger, self._objects)
        reader = self._objects.packs
        rebuilder = Rebuilder(self._ledger, reader, copies, breakage, self._advance)
        if rebuilder.is_damaged():
            return rebuilder.rebuild(dry_run=self._dry_run)
        return rebuilder.adopt(dry_run=self._dry_run)

    def _damage(self) -> list[Problem]:
        """Read every byte; what was healed since is not damage."""
        breakage = Breakage(self._ledger, self._objects)
        checks = ContentChecks(
            self._ledger,
            self._blobs,
            self._objects,
            self._spread,
            breakage,
            Tally(self._advance),
            reader=self._reader,
        )
        try:
            return list(checks.every_byte(Marks(None, lambda: 0.0)))
        except CorruptionError:
            return []  # the ledger itself; it is named at the end

    def _heal(self, copies: Copies, damage: dict[Digest, str]) -> dict[Digest, str]:
        """Heal what is damaged or missing; a healed document may name what is missing too."""
        left = dict(damage)
        tried: set[Digest] = set()
        while True:
            for digest in self._missing():
                if digest not in self._healed and str(digest) not in self._unread:
                    left.setdefault(digest, f"object {digest} is named, but not stored")
            wanted = [digest for digest in left if digest not in tried]
            if not wanted:
                return left
            tried.update(wanted)
            copies.look_into_packs(wanted)
            for digest in self._restored(copies, wanted):
                self._healed[digest] = None
                del left[digest]
            for digest in wanted:
                if str(digest) in self._unread:
                    left.pop(digest, None)

    def _restored(self, copies: Copies, wanted: list[Digest]) -> Iterator[Digest]:
        """Store copies, many in one commit; yield what is whole then."""
        rows: list[StoredObject] = []
        weight = 0
        for digest in wanted:
            try:
                if self._is_whole(digest):
                    yield digest
                    continue
                copy = copies.find(digest)
                if copy is None:
                    continue
                self._advance()
                row = self._replacement(copies, digest, copy)
            except Unreadable as error:
                detail = f"object {digest} could not be read: {error.message}"
                self._unread[str(digest)] = Problem(UNREADABLE, str(digest), detail)
                continue
            if row is None:
                yield digest
            elif row.digest == digest:
                rows.append(row)
                weight += len(row.data or b"")
                # A large one has lost its file by now, so its row is not kept waiting.
                if row.data is None or len(rows) >= _ROWS or weight >= _BYTES:
                    yield from self._commit(rows)
                    rows, weight = [], 0
        yield from self._commit(rows)

    def _commit(self, rows: list[StoredObject]) -> Iterator[Digest]:
        if rows:
            self._ledger.commit(Batch(restored=tuple(rows)))
        yield from (row.digest for row in rows)

    def _missing(self) -> Iterable[Digest]:
        try:
            return missing(self._ledger, self._objects, strict=False)
        except CorruptionError:
            return ()

    def _is_whole(self, digest: Digest) -> bool:
        try:
            self._objects.check(digest)
        except (NotFound, CorruptionError):
            return False
        return True

    def _replacement(
        self, copies: Copies, digest: Digest, copy: bytes | BinaryIO
    ) -> StoredObject | None:
        """Set aside what is there, and return the row of the copy; None in a dry run."""
        # A whole file is the copy itself, and stays: it is only its row that is damaged.
        self._set_aside(digest, file=not copies.has_file(digest))
        if self._dry_run:
            _close(copy)
            return None
        return self._prepared(copy)

    def _prepared(self, copy: bytes | BinaryIO) -> StoredObject:
        if isinstance(copy, bytes):
            return self._objects.prepare(copy)
        with closing(copy):
            return self._objects.prepare(copy)

    def _set_aside(self, digest: Digest, *, file: bool = True) -> None:
        """Keep what is there of an object before it is replaced."""
        try:
            stored = self._ledger.objects([digest]).get(digest)
        except CorruptionError:
            return
        if stored is None or stored.place is not None:
            return
        if stored.data is not None:
            self._quarantine.keep(f"{digest}.hot", stored.data)
            return
        name = large_name(digest)
        if file and self._quarantine.keep_file(self._blobs, name) and not self._dry_run:
            self._blobs.delete(name)

    def _discard(self, left: dict[Digest, str]) -> list[Unhealed]:
        """Forget damaged objects that nothing needs; return the others."""
        needed = Breakage(self._ledger, self._objects).of(list(left))
        try:
            closure = Closure(self._ledger, self._objects)
            closure.refresh()
        except (CorruptionError, Unreadable):
            return [Unhealed(one, detail, needed[one]) for one, detail in left.items()]
        unhealed: list[Unhealed] = []
        for digest, detail in left.items():
            if needed[digest] or digest in closure or not self._forget(digest):
                unhealed.append(Unhealed(digest, detail, needed[digest]))
            else:
                self._discarded.append(digest)
        return unhealed

    def _forget(self, digest: Digest) -> bool:
        if digest not in self._ledger.unnamed([digest]):
            return False
        try:
            self._set_aside(digest)
        except Unreadable:
            return False
        if self._dry_run:
            return True
        with self._ledger.exclusive():
            if digest not in self._ledger.unnamed([digest]):
                return False
            self._ledger.commit(Batch(deletions=(digest,)))
        return True

    def _ledger_damage(self) -> list[Unhealed]:
        try:
            return [Unhealed(None, text) for text in self._ledger.check()]
        except CorruptionError as error:
            return [Unhealed(None, error.message)]


def _digest(problem: Problem, kind: str) -> Digest | None:
    try:
        return Digest.parse(problem.id) if problem.kind == kind else None
    except InvalidDigest:
        return None


def _close(copy: bytes | BinaryIO) -> None:
    if not isinstance(copy, bytes):
        copy.close()
