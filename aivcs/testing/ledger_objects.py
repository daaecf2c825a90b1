"""What every Ledger must do with objects: tiers, packs, holds, and what is needed.

Subclass it and give a fixture ``ledger``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from aivcs.domain.batch import Batch
from aivcs.domain.digest import Digest
from aivcs.domain.listing import Listing
from aivcs.domain.pack_writes import NewPack, Packed
from aivcs.domain.stored import Block, Codec, Pack, Place, StoredObject, Tier
from aivcs.errors import ConflictError, RepositoryClosed
from aivcs.testing.ledger import stored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aivcs.ports import Ledger

PACK = Pack(Digest.of(b"a pack"), 5000, 4, 16, 100)
OTHER = Pack(Digest.of(b"another"), 3000, 1)
LISTED = NewPack(PACK, ((200, 1000, 4000), (1200, 2000, 9000)))
_ABSENT = Digest.of(b"never stored")


def some(count: int, first: int = 0) -> list[StoredObject]:
    """Return small objects with ascending digests."""
    rows = [stored(b"object %d" % number) for number in range(first, first + count)]
    return sorted(rows, key=lambda item: item.digest)


def big(data: bytes = b"large") -> StoredObject:
    """Return a large object."""
    return StoredObject(Digest.of(data), 10**6, Codec.ZSTD, None)


def packed(item: StoredObject, block: int = 0, start: int = 0, pack: Pack = PACK) -> Packed:
    """Return where an object lies in a pack."""
    return Packed(item.digest, pack.digest, block, start, item.size)


def sealed(item: StoredObject, block: int = 0, start: int = 0) -> StoredObject:
    """Return an object as it is stored once it was moved into PACK."""
    place = Place(Block(PACK, *LISTED.blocks[block]), start)
    return StoredObject(item.digest, item.size, Codec.ZSTD, None, place)


def seal(ledger: Ledger, items: Sequence[StoredObject]) -> None:
    """List PACK and move objects into its first block."""
    ledger.commit(Batch(packs=(LISTED,)))
    moves = (packed(item, start=10 * number) for number, item in enumerate(items))
    ledger.commit(Batch(moves=tuple(moves)))


def state(ledger: Ledger) -> tuple[object, ...]:
    """Return what there is of objects."""
    digests = ledger.digests()
    return (ledger.objects(digests), ledger.packs(), ledger.references(), ledger.survey())


class LedgerObjectsContract:
    """Objects wherever they lie."""

    def test_an_object_moves_into_a_pack(self, ledger: Ledger) -> None:
        """It has one place, the same size, and its tier says where it is."""
        items = some(3)
        ledger.commit(Batch(objects=(*items, big())))
        seal(ledger, items[:2])
        digests = [*(item.digest for item in items), big().digest]
        found = dict(ledger.objects([*digests, _ABSENT]))
        assert found == {
            items[0].digest: sealed(items[0]),
            items[1].digest: sealed(items[1], start=10),
            items[2].digest: items[2],
            big().digest: big(),
        }
        assert [found[digest].tier.value for digest in digests] == [
            "sealed",
            "sealed",
            "hot",
            "large",
        ]
        assert all(ledger.objects([digest]) == {digest: found[digest]} for digest in digests)
        sizes = {item.digest: item.size for item in (*items, big())}
        assert ledger.sizes([*digests, _ABSENT]) == sizes
        assert ledger.sizes([_ABSENT]) == {}
        assert ledger.objects([_ABSENT]) == {}
        assert ledger.digests() == sorted(digests)
        assert ledger.large() == [big()]
        assert ledger.large(after=big().digest) == []
        assert [item for _, item in ledger.hot()] == [items[2]]
        assert ledger.check() == []

    def test_listing_a_pack(self, ledger: Ledger) -> None:
        """Its blocks in order, and what is read from it; listing it again changes nothing."""
        items = some(3)
        ledger.commit(Batch(packs=(LISTED, NewPack(OTHER, ((8, 90, 90),)))))
        ledger.commit(Batch(packs=(LISTED,), finds=(packed(items[0], 1, 7),)))
        ledger.commit(Batch(finds=(packed(items[1], 0, 0, OTHER),)))
        assert ledger.packs() == [PACK, OTHER]
        found = ledger.listing(PACK.digest)
        assert found is not None
        assert (found.pack, list(map(tuple, found.blocks))) == (PACK, list(LISTED.blocks))
        assert list(found.objects) == [(items[0].digest.raw, 1, 7, items[0].size)]
        assert ledger.listing(_ABSENT) is None
        ledger.commit(Batch(packs=(NewPack(PACK._replace(digest=_ABSENT), ()),)))
        empty = ledger.listing(_ABSENT)
        assert isinstance(empty, Listing)
        assert (list(empty.blocks), list(empty.objects)) == ([], [])

    def test_hot_objects_in_the_order_of_storing(self, ledger: Ledger) -> None:
        """In pages, behind a number; the backlog is about their number."""
        items = [stored(b"%d" % number) for number in range(7)]
        assert ledger.backlog() == 0
        assert ledger.hot() == []
        for item in items:
            ledger.commit(Batch(objects=(item, big())))
        first = ledger.hot(limit=3)
        rest = ledger.hot(after=first[-1][0], limit=99)
        assert [item for _, item in first + rest] == items
        numbers = [number for number, _ in first + rest]
        assert numbers == sorted(set(numbers))
        raw = [(one.digest.raw, one.size, one.codec, one.data) for _, one in first + rest]
        assert ledger.hot_rows(0, numbers[-1]) == raw
        assert ledger.hot_rows(numbers[1], numbers[-2]) == raw[2:-1]
        assert ledger.hot_rows(numbers[-1], numbers[-1] + 9) == []
        assert ledger.backlog() == 7
        seal(ledger, items)
        assert ledger.backlog() == 0

    def test_moves_leave_what_is_elsewhere(self, ledger: Ledger) -> None:
        """What vanished stays away, a large one stays large, a sealed one changes packs."""
        item, gone = some(2)
        ledger.commit(Batch(objects=(item, big())))
        seal(ledger, [item])
        ledger.commit(Batch(packs=(NewPack(OTHER, ((8, 90, 90),)),)))
        moves = tuple(packed(one, 0, 3, OTHER) for one in (item, gone, big()))
        ledger.commit(Batch(moves=moves))
        moved = ledger.objects([item.digest])[item.digest]
        assert moved.place == Place(Block(OTHER, 8, 90, 90), 3)
        assert ledger.digests() == sorted([item.digest, big().digest])
        assert ledger.objects([big().digest]) == {big().digest: big()}
        assert ledger.check() == []

    def test_finds_are_what_nothing_else_has(self, ledger: Ledger) -> None:
        """An object that is stored stays where it is."""
        item, lost = some(2)
        ledger.commit(Batch(objects=(item, big()), packs=(LISTED,)))
        finds = tuple(packed(one, 1, 5) for one in (item, lost, big()))
        ledger.commit(Batch(finds=finds))
        ledger.commit(Batch(finds=(packed(lost, 0, 0),)))
        found = ledger.objects([item.digest, lost.digest, big().digest])
        kept = (item, sealed(lost, 1, 5), big())
        assert found == {one.digest: one for one in kept}

    def test_restored_rows_replace_any(self, ledger: Ledger) -> None:
        """Whatever tier the digest was in, or none."""
        hot, packed_one, absent = some(3)
        ledger.commit(Batch(objects=(hot, packed_one, big())))
        seal(ledger, [packed_one])
        new = [one._replace(data=b"again") for one in (hot, packed_one, absent, big())]
        ledger.commit(Batch(restored=tuple(new)))
        assert ledger.objects([one.digest for one in new]) == {one.digest: one for one in new}
        ledger.commit(Batch(restored=(hot._replace(data=None),)))
        assert ledger.objects([hot.digest])[hot.digest].tier is Tier.LARGE
        assert ledger.check() == []

    def test_stored_objects_are_not_stored_again(self, ledger: Ledger) -> None:
        """Not in another tier either."""
        one, two = some(2)
        ledger.commit(Batch(objects=(one, two._replace(data=None))))
        seal(ledger, [one])
        ledger.commit(Batch(objects=(one, one._replace(data=None), two)))
        found = ledger.objects([one.digest, two.digest])
        assert found == {one.digest: sealed(one), two.digest: two._replace(data=None)}

    @pytest.mark.parametrize(
        "wrong",
        [
            Batch(dropped_packs=(OTHER.digest, PACK.digest)),
            Batch(moves=(packed(some(2)[0], 0, 0, OTHER),)),
            Batch(moves=(packed(some(2)[0], 2),)),
            Batch(moves=(packed(some(2)[0], -1),)),
            Batch(finds=(packed(some(1, 50)[0], 0, 0, OTHER),)),
            Batch(objects=(sealed(some(1, 50)[0]),)),
        ],
    )
    def test_a_refused_batch_leaves_the_rest(self, ledger: Ledger, wrong: Batch) -> None:
        """A pack in use, one that is not listed, an object that comes as a sealed one."""
        items = some(2)
        ledger.commit(Batch(objects=(items[0],)))
        seal(ledger, items)
        before = state(ledger)
        with pytest.raises(ConflictError):
            ledger.commit(
                replace(
                    wrong,
                    objects=(stored(b"new"), *wrong.objects),
                    holds=(_ABSENT,),
                    deletions=(items[0].digest,),
                )
            )
        assert state(ledger) == before
        assert ledger.unnamed([_ABSENT]) == {_ABSENT}

    def test_dropping_packs(self, ledger: Ledger) -> None:
        """Only once nothing is in them; dropping what is not listed is no error."""
        items = some(2)
        ledger.commit(Batch(objects=tuple(items)))
        seal(ledger, items)
        with pytest.raises(ConflictError, match=str(PACK.digest)):
            ledger.commit(Batch(dropped_packs=(PACK.digest,)))
        ledger.commit(Batch(deletions=(items[0].digest, _ABSENT)))
        with pytest.raises(ConflictError):
            ledger.commit(Batch(dropped_packs=(PACK.digest,)))
        ledger.commit(Batch(restored=(items[1],), dropped_packs=(PACK.digest, _ABSENT)))
        assert ledger.packs() == []
        assert ledger.digests() == [items[1].digest]
        assert ledger.listing(PACK.digest) is None

    def test_forgetting_the_index(self, ledger: Ledger) -> None:
        """What is in packs is forgotten, all else stays, and packs can be listed again."""
        items = some(3)
        ledger.commit(Batch(objects=(*items, big())))
        seal(ledger, items[:2])
        ledger.reset_index()
        assert ledger.packs() == []
        assert ledger.digests() == sorted([items[2].digest, big().digest])
        ledger.commit(Batch(packs=(LISTED,), finds=(packed(items[0]), packed(items[2]))))
        assert ledger.objects([items[0].digest]) == {items[0].digest: sealed(items[0])}
        assert ledger.objects([items[2].digest]) == {items[2].digest: items[2]}
        assert ledger.check() == []

    def test_many_digests_at_once(self, ledger: Ledger) -> None:
        """More than one statement takes, in all tiers."""
        items = some(1300)
        ledger.commit(Batch(objects=tuple(items)))
        seal(ledger, items[:700])
        digests = [item.digest for item in items]
        assert len(ledger.objects(digests)) == len(ledger.sizes(digests)) == 1300
        assert ledger.unnamed(digests) == set(digests)

    def test_closed(self, ledger: Ledger) -> None:
        """Every call says so."""
        ledger.close()
        calls = (
            lambda: ledger.sizes([_ABSENT]),
            ledger.hot,
            ledger.backlog,
            ledger.packs,
            lambda: ledger.listing(_ABSENT),
            ledger.large,
            ledger.survey,
            lambda: ledger.unnamed([_ABSENT]),
            lambda: ledger.exclusive().__enter__(),
            lambda: ledger.upkeep(wait=False).__enter__(),
            ledger.reap,
            ledger.compact,
            ledger.footprint,
            ledger.reset_index,
        )
        for call in calls:
            with pytest.raises(RepositoryClosed, match="closed"):
                call()
