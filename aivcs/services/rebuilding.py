"""Making the index of packs anew from what the packs themselves say."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from aivcs.domain.batch import Batch
from aivcs.domain.digest import Digest
from aivcs.errors import CorruptionError, Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable

    from aivcs.ports import Ledger
    from aivcs.services.breakage import Breakage
    from aivcs.services.copies import Copies
    from aivcs.services.pack_format import Footer
    from aivcs.services.pack_read import PackReader

_FINDS: Final = 2000


class Rebuilder:
    """Lists packs again; whoever calls is the only one at upkeep.

    An object that nothing names may come back with its pack; the next collection takes it.
    """

    def __init__(
        self,
        ledger: Ledger,
        reader: PackReader,
        copies: Copies,
        breakage: Breakage,
        advance: Callable[[], None],
    ) -> None:
        self._ledger = ledger
        self._reader = reader
        self._copies = copies
        self._breakage = breakage
        self._advance = advance

    def is_damaged(self) -> bool:
        """Tell whether the index cannot be read, or contradicts itself or its packs."""
        try:
            if self._ledger.check():
                return True
            return any(self._differs(pack) for pack in self._copies.packs())
        except CorruptionError:
            return True

    def _differs(self, pack: Digest) -> bool:
        """Tell whether the index contradicts what a pack says, if it can say anything."""
        listing = self._ledger.listing(pack)
        try:
            footer = self._reader.footer(pack)
        except (CorruptionError, Unreadable):
            return False
        if listing is None:
            return False
        if (listing.pack, tuple(listing.blocks)) != (footer.pack, footer.listing().blocks):
            return True
        there = set(footer.places())
        return any(row not in there for row in listing.objects)

    def rebuild(self, *, dry_run: bool) -> int:
        """Forget the index, and list every pack; return how many objects were found.

        Raises Unreadable, with the index as it was, where a pack cannot be read.
        """
        self._copies.check_packs()
        if dry_run:
            return sum(footer.pack.objects for footer in self._copies.footers())
        self._ledger.reset_index()
        return sum(self._take_in(footer) for footer in self._copies.footers())

    def adopt(self, *, dry_run: bool) -> int:
        """List what packs have that is needed and stored nowhere."""
        needed = [footer for footer in self._copies.footers() if self._is_needed(footer)]
        if dry_run:
            return sum(footer.pack.objects for footer in needed)
        return sum(self._take_in(footer) for footer in needed)

    def _is_needed(self, footer: Footer) -> bool:
        raws = iter(footer.places())
        while some := [Digest(raw) for raw, *_ in islice(raws, _FINDS)]:
            stored = self._ledger.sizes(some)
            absent = [digest for digest in some if digest not in stored]
            if absent and any(self._breakage.of(absent).values()):
                return True
        return False

    def _take_in(self, footer: Footer) -> int:
        # All or nothing: what is not listed of a listed pack is dead to a collection.
        with self._ledger.exclusive():
            return self._list(footer)

    def _list(self, footer: Footer) -> int:
        self._ledger.commit(Batch(packs=(footer.listing(),)))
        found = 0
        items = footer.objects()
        while some := tuple(islice(items, _FINDS)):
            stored = self._ledger.sizes([one.digest for one in some])
            finds = tuple(one for one in some if one.digest not in stored)
            self._ledger.commit(Batch(finds=finds))
            found += len(finds)
            self._advance()
        return found
