"""What verification asks of packs: their footers, the index that leads to them, their bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from aivcs.domain.blobname import pack_name
from aivcs.domain.digest import Digest
from aivcs.domain.report import Problem
from aivcs.domain.stored import Block, Codec, Place, StoredObject
from aivcs.errors import CorruptionError, MissingObject, Unreadable
from aivcs.services.damage import damaged, gone
from aivcs.services.unread import unread

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aivcs.domain.listing import Listing
    from aivcs.domain.stored import Pack
    from aivcs.ports import Ledger
    from aivcs.services.breakage import Breakage
    from aivcs.services.check_blocks import Finding
    from aivcs.services.pack_format import Footer
    from aivcs.services.pack_read import PackReader
    from aivcs.services.tally import Tally


class Compared(NamedTuple):
    """How a pack's listing differs from its footer; ``listed`` is None for one not listed.

    ``misplaced`` are listed where the pack does not have them.
    """

    listed: int | None
    problems: tuple[Problem, ...] = ()
    misplaced: tuple[Digest, ...] = ()


@dataclass(slots=True)
class _Trouble:
    """What was found in one pack: sentences about it, and its damaged objects with theirs.

    ``unread`` says why a part of it could not be read, ``hidden`` are the objects there.
    """

    details: list[str] = field(default_factory=list)
    objects: dict[Digest, str] = field(default_factory=dict)
    missing: bool = False
    unread: str | None = None
    hidden: dict[Digest, None] = field(default_factory=dict)


class PackChecks:
    """Checks packs as the ledger lists them; what is found is told at the end.

    A pack that is no longer listed by then was rewritten meanwhile: nothing is said of
    it, and ``vanished`` asks for another look at what is listed.
    """

    def __init__(
        self, ledger: Ledger, reader: PackReader, breakage: Breakage, tally: Tally
    ) -> None:
        self._ledger = ledger
        self._reader = reader
        self._breakage = breakage
        self._tally = tally
        self._troubles: dict[Digest, _Trouble] = {}
        self._blind: list[Pack] = []
        self.footers: list[Footer] = []
        self.vanished = False

    def load(self, packs: Iterable[Pack]) -> None:
        """Read the footers; ``footers`` has those that are in order."""
        for pack in packs:
            try:
                footer = self._reader.footer(pack.digest)
                self._reader.dictionary(footer.pack)
            except CorruptionError as error:
                trouble = self._trouble(pack.digest)
                trouble.details.append(error.message)
                trouble.missing = isinstance(error, MissingObject)
                self._blind.append(pack)
            except Unreadable as error:
                self._trouble(pack.digest).unread = error.message
                self._blind.append(pack)
            else:
                self.footers.append(footer)

    def compare(self, *, counted: bool) -> Iterator[Problem]:
        """Hold what the ledger lists to the footers; ``counted`` tallies its objects."""
        for footer in self.footers:
            yield from self.take(footer, compare(self._ledger, footer), counted=counted)

    def take(self, footer: Footer, compared: Compared, *, counted: bool) -> Iterator[Problem]:
        """Tell how the listing of a pack differs from its footer."""
        yield from compared.problems
        if compared.listed is None:
            self.vanished = True
            return
        if counted:
            self._tally.add("objects", compared.listed)
        detail = f"the index places it in {pack_name(footer.pack.digest)}, where it is not"
        placed = self._placed(compared.misplaced, footer.pack.digest)
        yield from self._breakage.problems(dict.fromkeys(placed, detail))

    def note(self, footer: Footer, finding: Finding) -> None:
        """Take what was found in a pack's bytes."""
        trouble = self._trouble(footer.pack.digest)
        if finding.unread:
            trouble.unread = trouble.unread or finding.detail
            hidden = (Digest(next(footer.sums(number))[0]) for number in finding.objects)
            trouble.hidden.update(dict.fromkeys(hidden))
            return
        trouble.missing |= finding.missing
        if finding.missing or not finding.objects:
            trouble.details.append(finding.detail)
            return
        for number in finding.objects:
            digest = Digest(next(footer.sums(number))[0])
            detail = damaged(digest, pack_name(footer.pack.digest), finding.detail).message
            trouble.objects[digest] = detail

    def problems(self) -> Iterator[Problem]:
        """Say what is damaged in packs that are still listed, and what that breaks."""
        listed = {pack.digest for pack in self._ledger.packs()}
        self.vanished |= any(digest not in listed for digest in self._troubles)
        for pack in self._blind:
            if pack.digest in listed:
                self._look_without_footer(pack)
        for digest, trouble in self._troubles.items():
            if digest not in listed:
                continue
            if trouble.missing:
                trouble.objects = self._lost(digest)
            count = len(trouble.objects)
            some = [f"{count} of its objects are damaged"] if count else []
            for detail in dict.fromkeys(trouble.details or some):
                yield Problem("pack", str(digest), detail)
            placed = self._placed(trouble.objects, digest)
            yield from self._breakage.problems({one: trouble.objects[one] for one in placed})
            if trouble.unread is not None:
                hidden = self._placed(trouble.hidden, digest)
                yield from unread(pack_name(digest), trouble.unread, hidden, self._breakage)

    def _lost(self, pack: Digest) -> dict[Digest, str]:
        listing = self._ledger.listing(pack)
        lost = (Digest(row[0]) for row in listing.objects) if listing else ()
        return {digest: gone(digest, pack_name(pack)).message for digest in lost}

    def _look_without_footer(self, pack: Pack) -> None:
        """Read what the ledger lists of a pack that does not say what it holds."""
        trouble = self._trouble(pack.digest)
        try:
            listing = self._ledger.listing(pack.digest)
        except CorruptionError as error:
            trouble.details.append(error.message)
            return
        if listing is None:
            return
        self._tally.count("objects", len(listing.objects))
        if trouble.missing:
            return
        closed = -1
        for raw, number, start, size in sorted(listing.objects, key=itemgetter(1, 2)):
            digest = Digest(raw)
            if number == closed:
                trouble.hidden[digest] = None
                continue
            place = Place(Block(listing.pack, *listing.blocks[number]), start)
            try:
                self._reader.read(StoredObject(digest, size, Codec.ZSTD, None, place))
            except CorruptionError as error:
                trouble.objects[digest] = error.message
            except Unreadable as error:
                trouble.unread = trouble.unread or error.message
                trouble.hidden[digest] = None
                closed = number

    def _placed(self, digests: Iterable[Digest], pack: Digest) -> list[Digest]:
        """Return those that the ledger has in this pack."""
        wanted = list(digests)
        found = self._ledger.objects(wanted) if wanted else {}
        return [digest for digest in wanted if _pack_of(found.get(digest)) == pack]

    def _trouble(self, pack: Digest) -> _Trouble:
        return self._troubles.setdefault(pack, _Trouble())


def compare(ledger: Ledger, footer: Footer) -> Compared:
    """Hold what the ledger lists of a pack to its footer."""
    name = str(footer.pack.digest)
    try:
        listing = ledger.listing(footer.pack.digest)
    except CorruptionError as error:
        return Compared(0, (Problem("index", name, error.message),))
    if listing is None:
        return Compared(None)
    details: list[str] = []
    if listing.pack != footer.pack:
        details.append(f"the ledger has {listing.pack}, its file {footer.pack}")
    if tuple(listing.blocks) != footer.listing().blocks:
        details.append("the ledger lists other blocks than the pack has")
    problems = tuple(Problem("index", name, detail) for detail in details)
    return Compared(len(listing.objects), problems, tuple(_misplaced(listing, footer)))


def _misplaced(listing: Listing, footer: Footer) -> list[Digest]:
    if not listing.objects or tuple(zip(*listing.objects, strict=True)) == footer.columns():
        return []
    there = set(footer.places())
    if there.issuperset(listing.objects):
        return []
    return [Digest(row[0]) for row in listing.objects if row not in there]


def _pack_of(stored: StoredObject | None) -> Digest | None:
    return stored.place.block.pack.digest if stored and stored.place else None
