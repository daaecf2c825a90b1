"""Emptying damaged packs: what is whole in them moves into a new pack."""

from __future__ import annotations

from contextlib import suppress
from itertools import chain, islice
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from aivcs.domain.batch import Batch
from aivcs.domain.blobname import pack_name
from aivcs.domain.digest import Digest
from aivcs.domain.stored import Block, Codec, Place, StoredObject
from aivcs.errors import (
    ConflictError,
    CorruptionError,
    IntegrityError,
    Unreadable,
)
from aivcs.services.encoding import encode
from aivcs.services.pack_write import write_pack
from aivcs.services.repacking import drop_pack_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from aivcs.domain.listing import Listing
    from aivcs.ports import BlobStore, Ledger
    from aivcs.services.pack_read import PackReader
    from aivcs.services.quarantine import Quarantine

_MOVES: Final = 2000
_WARMED: Final = 500


class Evacuation:
    """Moves objects out of packs; whoever calls is the only one at upkeep."""

    def __init__(
        self, ledger: Ledger, blobs: BlobStore, reader: PackReader, quarantine: Quarantine
    ) -> None:
        self._ledger = ledger
        self._blobs = blobs
        self._reader = reader
        self._quarantine = quarantine

    def evacuate(self, pack: Digest, advance: Callable[[], None]) -> bool:
        """Write what can be read of a listed pack into another one, and list it there.

        False when nothing of it can be read.
        """
        listing = self._ledger.listing(pack)
        whole = self._whole(listing, advance) if listing else iter(())
        first = next(whole, None)
        if listing is None or first is None:
            return False
        with self._blobs.stage() as staged:
            written = write_pack(chain((first,), whole), staged)
            new = written.new.pack.digest
            if new == pack:
                # The damaged file has this name; it is not replaced before it is set aside.
                self._warm(self._whole(listing, advance))
                return True
            staged.publish(pack_name(new))
        for _, data in self._reader.objects(new):
            if isinstance(data, CorruptionError):
                raise data
        self._ledger.commit(Batch(packs=(written.new,)))
        moves = iter(written.items)
        while some := tuple(islice(moves, _MOVES)):
            self._ledger.commit(Batch(moves=some))
        return True

    def rehearse(self, pack: Digest, advance: Callable[[], None]) -> tuple[bool, set[Digest]]:
        """Tell whether anything of a pack would be moved, and what would stay in it."""
        listing = None
        with suppress(CorruptionError):
            listing = self._ledger.listing(pack)
        if listing is None:
            return True, set()  # the index will be made anew, and leads to what is in it
        whole = {digest for digest, _ in self._whole(listing, advance)}
        return bool(whole), {Digest(row[0]) for row in listing.objects} - whole

    def _warm(self, whole: Iterator[tuple[Digest, bytes]]) -> None:
        """Make objects rows of the ledger, a few at a time."""
        while some := tuple(islice(whole, _WARMED)):
            self._ledger.commit(Batch(restored=tuple(encode(data) for _, data in some)))

    def _whole(
        self, listing: Listing, advance: Callable[[], None]
    ) -> Iterator[tuple[Digest, bytes]]:
        for raw, number, start, size in sorted(listing.objects, key=itemgetter(1, 2)):
            place = Place(Block(listing.pack, *listing.blocks[number]), start)
            digest = Digest(raw)
            try:
                data = self._reader.read(StoredObject(digest, size, Codec.ZSTD, None, place))
            except CorruptionError:
                continue
            advance()
            yield digest, data

    def clear(self, packs: Iterable[Digest]) -> None:
        """Set files aside that are called packs, that nobody lists and that hold no footer.

        What is whole in them was taken in before, if it was needed.
        """
        try:
            listed = {pack.digest for pack in self._ledger.packs()}
        except CorruptionError:
            return  # a dry run leaves a damaged index as it is
        for pack in packs:
            if pack in listed or not self._is_damaged(pack):
                continue
            try:
                kept = self._quarantine.keep_file(self._blobs, pack_name(pack))
            except Unreadable:
                continue  # what can be read of it is no second copy
            if kept and not self._quarantine.dry_run:
                drop_pack_file(self._ledger, self._blobs, pack)

    def _is_damaged(self, pack: Digest) -> bool:
        try:
            self._reader.footer(pack)
        except IntegrityError:
            return True
        except (CorruptionError, Unreadable):
            return False  # it is gone, no file has its place, or it may be sound
        return False

    def leave(self, pack: Digest) -> None:
        """Set the file of an empty pack aside and forget the pack; one in use stays."""
        listing = self._ledger.listing(pack)
        if listing is None or listing.objects:
            return
        name = pack_name(pack)
        if self._blobs.exists(name) and not self._quarantine.keep_file(self._blobs, name):
            return
        try:
            self._ledger.commit(Batch(dropped_packs=(pack,)))
        except ConflictError:
            return
        drop_pack_file(self._ledger, self._blobs, pack)
