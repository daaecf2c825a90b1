"""How objects come, move between the tiers and go; called inside a transaction that writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.domain.stored import Tier
from aivcs.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aivcs.adapters.postgres.session import Session
    from aivcs.domain.digest import Digest
    from aivcs.domain.pack_writes import NewPack, Packed
    from aivcs.domain.stored import StoredObject

TIERS: Final = ("hot", "sealed", "large")
# Known ones are passed over before they take a number: the backlog is told by the numbers.
_INTO_HOT: Final = """
INSERT INTO hot (digest, size, codec, lease, data)
SELECT w.* FROM unnest(%s::bytea[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bytea[])
  AS w (digest, size, codec, lease, data)
WHERE NOT EXISTS (SELECT FROM hot h WHERE h.digest = w.digest) ON CONFLICT DO NOTHING
"""
_INTO_LARGE: Final = """
INSERT INTO large (digest, size, codec, lease)
SELECT * FROM unnest(%s::bytea[], %s::bigint[], %s::bigint[], %s::bigint[]) ON CONFLICT DO NOTHING
"""
_INTO_SEALED: Final = """
INSERT INTO sealed (digest, block, start, size, lease)
SELECT * FROM unnest(%s::bytea[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
ON CONFLICT DO NOTHING
"""
_INTO_HOLDS: Final = """
INSERT INTO holds (digest, lease) SELECT d, %s FROM unnest(%s::bytea[]) AS w (d)
ON CONFLICT DO NOTHING
"""
_FIRST_BLOCK: Final = """
SELECT min(b.id), count(*) FROM blocks b JOIN packs p ON p.id = b.pack WHERE p.digest = %s
"""
_LIST_PACK: Final = """
INSERT INTO packs (digest, size, objects, dictionary_offset, dictionary_length)
VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING id
"""
_LIST_BLOCKS: Final = """
INSERT INTO blocks (pack, "offset", length, size)
SELECT %s, o, l, s FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[])
  WITH ORDINALITY AS w (o, l, s, n) ORDER BY n
"""
_IN_PACKS: Final = """
SELECT p.digest FROM sealed s JOIN blocks b ON b.id = s.block JOIN packs p ON p.id = b.pack
WHERE p.digest = ANY(%s::bytea[]) LIMIT 1
"""


def _columns(rows: Sequence[tuple[object, ...]]) -> tuple[list[object], ...]:
    return tuple(map(list, zip(*rows, strict=True)))


def _insert(db: Session, objects: Iterable[StoredObject], lease: int) -> int:
    """Insert what is in no tier yet; return how many rows came.

    In the order of their digests, so that two who store the same never wait for each other
    in a circle.
    """
    hot: list[tuple[object, ...]] = []
    large: list[tuple[object, ...]] = []
    for item in sorted({item.digest: item for item in objects}.values(), key=_digest):
        if item.data is not None:
            hot.append((item.digest.raw, item.size, int(item.codec), lease, item.data))
        elif item.tier is Tier.LARGE:
            large.append((item.digest.raw, item.size, int(item.codec), lease))
        else:
            msg = f"object {item.digest} is in a pack: it is moved there, not stored"
            raise ConflictError(msg)
    new = db.run(_INTO_HOT, _columns(hot)) if hot else 0
    return new + (db.run(_INTO_LARGE, _columns(large)) if large else 0)


def _digest(item: StoredObject) -> bytes:
    return item.digest.raw


def put(db: Session, objects: Sequence[StoredObject], lease: int = 0) -> int:
    """Insert objects that are not there yet, stamped; hold those that are, with a lease.

    Returns how many were there.
    """
    new = _insert(db, objects, lease)
    if lease and new < len(objects):
        stamps = _leases(db, [item.digest for item in objects])
        hold(db, [o.digest for o in objects if stamps.get(o.digest.raw) != lease], lease)
    return len(objects) - new


def hold(db: Session, digests: Iterable[Digest], lease: int) -> None:
    """Hold digests, stored or not, whatever stamps they bear: a stamp goes with its row."""
    db.run(_INTO_HOLDS, (lease, sorted({one.raw for one in digests})))


def let_go(db: Session, digests: Iterable[Digest], lease: int) -> None:
    """Hold digests no longer but by their stamps."""
    db.run(
        "DELETE FROM holds WHERE lease = %s AND digest = ANY(%s::bytea[])",
        (lease, [one.raw for one in digests]),
    )


def restore(db: Session, objects: Sequence[StoredObject], lease: int) -> None:
    """Put rows in the place of whatever rows their digests have."""
    stamps = _leases(db, [item.digest for item in objects])
    for item in objects:
        stamp = stamps.get(item.digest.raw, lease)
        _forget(db, [item.digest.raw])
        _insert(db, [item], stamp)
        if lease != stamp and lease:
            hold(db, [item.digest], lease)


def _leases(db: Session, digests: Sequence[Digest], *tiers: str) -> dict[bytes, int]:
    """Return the stamps of those that are stored in one of the tiers (default: any)."""
    parts = (
        f"SELECT digest, lease FROM {tier} WHERE digest = ANY(%(some)s::bytea[])"
        for tier in tiers or TIERS
    )
    some = {"some": [digest.raw for digest in digests]}
    return dict(db.rows(" UNION ALL ".join(parts), some))


def list_pack(db: Session, new: NewPack) -> None:
    """Insert a pack and its blocks unless it is listed."""
    pack = new.pack
    numbers = pack.size, pack.objects, pack.dictionary_offset, pack.dictionary_length
    found = db.rows(_LIST_PACK, (pack.digest.raw, *numbers))
    if found and new.blocks:
        db.run(_LIST_BLOCKS, (found[0][0], *_columns(new.blocks)))


def move(db: Session, moves: Sequence[Packed]) -> None:
    """Let hot and sealed objects lie where they are packed; the stamps go with them."""
    stamps = _leases(db, [one.digest for one in moves], "hot", "sealed")
    moved = [one for one in moves if one.digest.raw in stamps]
    new = _sealed_rows(db, moved, stamps)
    gone = [one.digest.raw for one in moved]
    for tier in ("hot", "sealed"):
        db.run(f"DELETE FROM {tier} WHERE digest = ANY(%s::bytea[])", (gone,))
    _seal(db, new)


def find(db: Session, finds: Sequence[Packed]) -> None:
    """Insert objects of packs that are in no tier."""
    _seal(db, _sealed_rows(db, finds, {}))


def _seal(db: Session, new: Sequence[tuple[object, ...]]) -> None:
    if new:
        db.run(_INTO_SEALED, _columns(new))


def _sealed_rows(
    db: Session, packed: Iterable[Packed], stamps: dict[bytes, int]
) -> list[tuple[object, ...]]:
    """Return the rows of ``sealed``; ConflictError for a pack or block that is not listed."""
    blocks: dict[Digest, tuple[int | None, int]] = {}
    new: list[tuple[object, ...]] = []
    for one in packed:
        found = blocks.get(one.pack)
        if found is None:
            ((first, count),) = db.rows(_FIRST_BLOCK, (one.pack.raw,))
            found = blocks[one.pack] = first, count
        first, count = found
        # Blocks of a pack came in one statement, so their numbers follow one another.
        if first is None or not 0 <= one.block < count:
            msg = f"pack {one.pack} with block {one.block} is not listed"
            raise ConflictError(msg, hint="list the pack before its objects")
        raw = one.digest.raw
        new.append((raw, first + one.block, one.start, one.size, stamps.get(raw, 0)))
    return new


def drop_packs(db: Session, digests: Sequence[Digest]) -> None:
    """List packs no longer; ConflictError while an object is in one."""
    raws = [digest.raw for digest in digests]
    used = db.rows(_IN_PACKS, (raws,))
    if used:
        msg = f"pack {used[0][0].hex()} has objects"
        raise ConflictError(msg, hint="move or delete them before the pack")
    db.run(
        "DELETE FROM blocks WHERE pack IN (SELECT id FROM packs WHERE digest = ANY(%s::bytea[]))",
        (raws,),
    )
    db.run("DELETE FROM packs WHERE digest = ANY(%s::bytea[])", (raws,))


def unpin(db: Session, digests: Iterable[Digest]) -> None:
    """Remove pins."""
    db.run(
        "DELETE FROM refs WHERE stream IS NULL AND digest = ANY(%s::bytea[])",
        ([one.raw for one in digests],),
    )


def delete(db: Session, digests: Sequence[Digest]) -> None:
    """Remove the rows and pins of objects."""
    _forget(db, [digest.raw for digest in digests])
    unpin(db, digests)


def _forget(db: Session, raws: list[bytes]) -> None:
    for tier in TIERS:
        db.run(f"DELETE FROM {tier} WHERE digest = ANY(%s::bytea[])", (raws,))
