"""The objects, packs and references of a ledger in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aivcs.domain.listing import Listing
from aivcs.domain.stored import Block, Codec, Place, StoredObject, Tier
from aivcs.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from aivcs.adapters.memory_ledger.journal import Journal
    from aivcs.domain.batch import Batch, Reference
    from aivcs.domain.digest import Digest
    from aivcs.domain.pack_writes import NewPack, Packed
    from aivcs.domain.stored import Pack


class Shelf:
    """What is stored and where."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._objects: dict[Digest, StoredObject] = {}
        self._numbers: dict[Digest, int] = {}
        self._last = 0
        self._packs: dict[Digest, NewPack] = {}
        self._references: dict[Reference, int] = {}
        self._stamps: dict[Digest, None] = {}
        self._holds: dict[Digest, None] = {}

    def apply(self, batch: Batch) -> int:
        """Do what a batch says of objects and packs, but for deletions.

        Returns how many of its objects were there already.
        """
        known = sum(item.digest in self._objects for item in batch.objects)
        for item in batch.objects:
            if item.tier is Tier.LARGE:
                self._journal.remove(self._holds, item.digest)
        wanted = [item.digest for item in (*batch.objects, *batch.restored)] if batch.hold else []
        for digest in wanted:
            # A stamp goes with the object that bears it, a hold does not.
            unstamped = digest in self._objects and digest not in self._stamps
            self._journal.put(self._holds if unstamped else self._stamps, digest, None)
        self.put(batch.objects)
        for digest in batch.holds:
            self._journal.put(self._holds, digest, None)
        self.restore(batch.restored)
        for new in batch.packs:
            self.list_pack(new)
        self.move(batch.moves)
        self.find(batch.finds)
        self.drop_packs(batch.dropped_packs)
        return known

    def put(self, objects: Iterable[StoredObject]) -> None:
        """Add objects that are not there yet."""
        for item in objects:
            if item.tier is Tier.SEALED:
                msg = f"object {item.digest} is in a pack: it is moved there, not stored"
                raise ConflictError(msg)
            if item.digest not in self._objects:
                self._journal.put(self._objects, item.digest, item)
                self._journal.put(self._numbers, item.digest, self._next())

    def _next(self) -> int:
        """Return a number that ascends, never used twice."""
        self._last += 1
        return self._last

    def restore(self, objects: Iterable[StoredObject]) -> None:
        """Put objects in the place of those that are there."""
        for item in objects:
            self._journal.remove(self._objects, item.digest)
            self.put([item])

    def list_pack(self, new: NewPack) -> None:
        """List a pack unless it is listed."""
        if new.pack.digest not in self._packs:
            self._journal.put(self._packs, new.pack.digest, new)

    def move(self, moves: Iterable[Packed]) -> None:
        """Let hot and sealed objects lie where they are packed."""
        for one in moves:
            known = self._objects.get(one.digest)
            if known is not None and known.tier is not Tier.LARGE:
                self._journal.put(self._objects, one.digest, self._packed(one))

    def find(self, finds: Iterable[Packed]) -> None:
        """Add objects of packs that are nowhere else."""
        for one in finds:
            item = self._packed(one)
            if one.digest not in self._objects:
                self._journal.put(self._objects, one.digest, item)

    def _packed(self, one: Packed) -> StoredObject:
        new = self._packs.get(one.pack)
        if new is None or not 0 <= one.block < len(new.blocks):
            msg = f"pack {one.pack} with block {one.block} is not listed"
            raise ConflictError(msg, hint="list the pack before its objects")
        block = Block(new.pack, *new.blocks[one.block])
        return StoredObject(one.digest, one.size, Codec.ZSTD, None, Place(block, one.start))

    def drop_packs(self, digests: Iterable[Digest]) -> None:
        """List packs no longer; ConflictError while an object is in one."""
        used = {item.place.block.pack.digest for item in self._objects.values() if item.place}
        for digest in digests:
            if digest in used:
                msg = f"pack {digest} has objects"
                raise ConflictError(msg, hint="move or delete them before the pack")
            self._journal.remove(self._packs, digest)

    def refer(self, reference: Reference) -> None:
        """Add a reference that is not there yet."""
        if reference not in self._references:
            self._journal.put(self._references, reference, self._next())

    def unpin(self, digests: Iterable[Digest]) -> None:
        """Remove pins."""
        gone = set(digests)
        for one in [one for one in self._references if one.digest in gone and not one.run_id]:
            self._journal.remove(self._references, one)

    def delete(self, digests: Sequence[Digest]) -> None:
        """Forget objects and their pins."""
        for digest in digests:
            self._journal.remove(self._objects, digest)
            self._journal.remove(self._stamps, digest)
        self.unpin(digests)

    def reset_index(self) -> None:
        """Forget packs and what is in them."""
        for digest in [item.digest for item in self._objects.values() if item.place]:
            self._journal.remove(self._objects, digest)
        for digest in list(self._packs):
            self._journal.remove(self._packs, digest)

    def objects(self, digests: Sequence[Digest]) -> Mapping[Digest, StoredObject]:
        """Return stored objects."""
        with self._journal.reading():
            return {d: self._objects[d] for d in digests if d in self._objects}

    def stored(self, tier: Tier | None = None) -> list[StoredObject]:
        """Return all objects of a tier, or of all tiers, by digest."""
        with self._journal.reading():
            found = [o for o in self._objects.values() if tier in {None, o.tier}]
        return sorted(found, key=lambda item: item.digest)

    def hot(self, after: int, limit: int) -> list[tuple[int, StoredObject]]:
        """Return hot objects in the order of storing."""
        rows = sorted((self._numbers[item.digest], item.digest) for item in self.stored(Tier.HOT))
        some = [row for row in rows if row[0] > after][:limit]
        return [(number, self._objects[digest]) for number, digest in some]

    def packs(self) -> list[Pack]:
        """Return packs in the order of listing."""
        with self._journal.reading():
            return [new.pack for new in self._packs.values()]

    def listing(self, pack: Digest) -> Listing | None:
        """Return what is listed of a pack."""
        with self._journal.reading():
            new = self._packs.get(pack)
            if new is None:
                return None
            places = {Block(new.pack, *block): n for n, block in enumerate(new.blocks)}
            objects = [
                (item.digest.raw, places[item.place.block], item.place.start, item.size)
                for item in self._objects.values()
                if item.place and item.place.block.pack.digest == pack
            ]
        return Listing(new.pack, new.blocks, sorted(objects, key=lambda row: row[1:3]))

    def references(self) -> list[Reference]:
        """Return all explicit references in the order of adding."""
        with self._journal.reading():
            return sorted(self._references, key=self._references.__getitem__)

    def held(self) -> list[Digest]:
        """Return what this process holds, stored or not."""
        with self._journal.reading():
            return list(self._stamps | self._holds)
