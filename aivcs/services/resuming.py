"""What an interrupted seal left: a pack that nobody lists, or objects that did not move yet."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from aivcs.domain.batch import Batch
from aivcs.domain.blobname import pack_digest, pack_name
from aivcs.domain.sealed import Sealed
from aivcs.domain.stored import Tier
from aivcs.errors import CorruptionError
from aivcs.services.pack_read import PackReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aivcs.domain.digest import Digest
    from aivcs.domain.pack_writes import Packed
    from aivcs.domain.stored import StoredObject
    from aivcs.ports import BlobStore, Ledger
    from aivcs.services.pack_format import Footer

MOVES: Final = 1000
"""So many objects move in one transaction; a command waits for one of them at most."""


def move(ledger: Ledger, items: Iterable[Packed], advance: Callable[[], None]) -> None:
    """Move objects to where they are packed; what vanished meanwhile stays away."""
    rest = iter(items)
    while some := tuple(islice(rest, MOVES)):
        ledger.commit(Batch(moves=some))
        for _ in some:
            advance()


class Resumer:
    """Ends what an earlier seal began; whoever calls is the only one at upkeep."""

    def __init__(self, ledger: Ledger, blobs: BlobStore) -> None:
        self._ledger = ledger
        self._blobs = blobs

    def resume(self, advance: Callable[[], None]) -> Sealed:
        """Move the objects that are still hot; return how many there were.

        Looks at packs that are published but not listed, and at the newest listed one. A
        pack that cannot be read is left to collection and repair. Raises StorageError.
        """
        listed = [pack.digest for pack in self._ledger.packs()]
        published = [pack_digest(name) for name in self._blobs.names()]
        strays = sorted({pack for pack in published if pack is not None}.difference(listed))
        done = Sealed()
        for pack in [*listed[-1:], *strays]:
            try:
                done = self._take_in(pack, done, advance, new=pack not in listed)
            except CorruptionError:
                continue
        return done

    def _take_in(
        self, pack: Digest, done: Sealed, advance: Callable[[], None], *, new: bool
    ) -> Sealed:
        reader = PackReader(self._blobs)
        footer = reader.footer(pack)
        hot = self._hot(footer)
        if not hot:
            return done
        # It may have been interrupted before the pack was read back.
        sound = {
            digest for digest, data in reader.objects(pack) if not isinstance(data, CorruptionError)
        }
        items = [item for item in footer.objects() if item.digest in sound & hot.keys()]
        if new and items:
            self._blobs.settle(pack_name(pack))
            self._ledger.commit(Batch(packs=(footer.listing(),)))
        move(self._ledger, items, advance)
        return Sealed(
            done.objects + len(items),
            done.packs + (new and bool(items)),
            done.bytes_before + sum(hot[item.digest] for item in items),
            done.bytes_after + (footer.pack.size if new and items else 0),
        )

    def _hot(self, footer: Footer) -> dict[Digest, int]:
        """Return which objects of a pack are hot, and the bytes of their rows."""
        found: dict[Digest, int] = {}
        digests = (item.digest for item in footer.objects())
        while some := list(islice(digests, MOVES)):
            rows: Iterable[StoredObject] = self._ledger.objects(some).values()
            found |= {row.digest: len(row.data or b"") for row in rows if row.tier is Tier.HOT}
        return found
