"""Removing objects: the row first, the file last, each only while nobody needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.domain.batch import Batch
from aivcs.domain.blobname import large_name
from aivcs.domain.stored import Tier
from aivcs.domain.usage import UseKind
from aivcs.errors import CorruptionError, MissingObject, NotFound, StillReferenced
from aivcs.services.reachability import Chains

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aivcs.domain.digest import Digest
    from aivcs.domain.pack_writes import Surveyed
    from aivcs.ports import BlobStore, Ledger
    from aivcs.services.objects import CasStore
    from aivcs.services.reachability import Closure

_NAMED: Final = 5


def remove(
    ledger: Ledger, blobs: BlobStore, objects: CasStore, digest: Digest, *, force: bool
) -> None:
    """Remove an object, pinned or not; one that is absent is no error.

    Raises StillReferenced, naming what needs it, unless ``force`` is given.
    """

    def find(wanted: Digest) -> bytes | None:
        try:
            return objects.get(wanted)
        except (NotFound, MissingObject):
            return None

    if digest not in ledger.sizes([digest]):
        return
    chains = Chains(ledger, find, digest)
    if not force:
        chains.refresh()
    with ledger.exclusive():
        if not force:
            _check_unused(ledger, chains, digest)
        ledger.commit(Batch(deletions=(digest,)))
    if blobs.exists(large_name(digest)):
        drop_file(ledger, blobs, digest)


def _check_unused(ledger: Ledger, chains: Chains, digest: Digest) -> None:
    holders = [*ledger.holders(digest), *map(str, chains.refresh())]
    if holders:
        more = len(holders) - _NAMED
        names = ", ".join(holders[:_NAMED]) + (f" and {more} more" if more > 0 else "")
        msg = f"object {digest} is needed by {names}"
        raise StillReferenced(msg, hint="keep it; what needs it cannot be read without it")


def sweep(
    ledger: Ledger, blobs: BlobStore, closure: Closure, garbage: Sequence[Surveyed]
) -> tuple[list[Surveyed], int]:
    """Remove those of a few objects that still nothing needs.

    Returns what is gone, and the bytes of the files that went with it. What was named since
    is seen: all is asked again in the transaction that deletes.
    """
    with ledger.exclusive():
        closure.refresh()
        unnamed = ledger.unnamed([item.digest for item in garbage])
        gone = [item for item in garbage if item.digest in unnamed and item.digest not in closure]
        if gone:
            ledger.commit(Batch(deletions=tuple(item.digest for item in gone)))
    large = [item.digest for item in gone if item.tier is Tier.LARGE]
    return gone, sum(drop_file(ledger, blobs, digest) for digest in large)


def drop_file(ledger: Ledger, blobs: BlobStore, digest: Digest) -> int:
    """Remove a large object's file unless it is stored, or about to be; return its bytes.

    Whoever stores a large object holds its digest before he publishes the file.
    """
    with ledger.exclusive():
        stored = digest in ledger.sizes([digest])
        if stored or any(use.kind is UseKind.LEASE for use in ledger.uses([digest])):
            return 0
        try:
            size = blobs.size(large_name(digest))
        except CorruptionError:
            return 0  # no file has its place
        blobs.delete(large_name(digest))
        return size
