"""Small packs become one, so that who seals often does not get hundreds of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.errors import CorruptionError
from aivcs.services.missing import missing
from aivcs.services.repacking import Repacker, Worn

if TYPE_CHECKING:
    from aivcs.domain.stored import Pack
    from aivcs.ports import BlobStore, Ledger
    from aivcs.services.objects import CasStore
    from aivcs.services.pack_read import PackReader

SMALL: Final = 2**20
"""A pack of fewer bytes is small."""

MANY: Final = 16
"""So many small packs are merged."""


def merge_small(ledger: Ledger, blobs: BlobStore, objects: CasStore) -> bool:
    """Merge the small packs when there are many; tell whether there were.

    Whoever calls is the only one at upkeep. Packs that cannot be read stay as they are, and
    so do those with objects that are needed, but not listed. Raises StorageError.
    """
    small = [pack for pack in ledger.packs() if pack.size < SMALL]
    if len(small) < MANY:
        return False
    repacker = Repacker(ledger, blobs, objects.packs)
    lost = frozenset(missing(ledger, objects))
    sound = [
        pack for pack in small if _is_sound(objects.packs, pack) and not repacker.has(pack, lost)
    ]
    if len(sound) < MANY:
        return False
    whole = [Worn(pack, dead=0, bytes=pack.size, living=pack.objects) for pack in sound]
    repacker.renew(whole, lambda: None)
    return True


def _is_sound(reader: PackReader, pack: Pack) -> bool:
    try:
        return not any(isinstance(data, CorruptionError) for _, data in reader.objects(pack.digest))
    except CorruptionError:
        return False
