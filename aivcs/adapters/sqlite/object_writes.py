"""How objects come, move between the tiers and go; called inside the write transaction only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.adapters.sqlite import bulk
from aivcs.domain import rows
from aivcs.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import apsw

    from aivcs.domain.batch import Reference
    from aivcs.domain.digest import Digest
    from aivcs.domain.pack_writes import NewPack, Packed
    from aivcs.domain.stored import StoredObject

TIERS: Final = ("hot", "sealed", "large")
_MANY: Final = 500

_INTO_HOT: Final = "INSERT INTO hot (digest, size, codec, lease, data)"
_INTO_LARGE: Final = "INSERT INTO large (digest, size, codec, lease)"
_INTO_SEALED: Final = "INSERT INTO sealed (digest, block, start, size, lease)"
_IS_ELSEWHERE: Final = "SELECT EXISTS (SELECT 1 FROM sealed) OR EXISTS (SELECT 1 FROM large)"
_NOT_ELSEWHERE: Final = " AND ".join(
    f"NOT EXISTS (SELECT 1 FROM {tier} WHERE digest = new.column1)" for tier in ("sealed", "large")
)
_INTO_HOLDS: Final = "INSERT INTO holds (digest, lease)"
_FIRST_BLOCK: Final = """
SELECT min(b.id), count(*) FROM blocks b JOIN packs p ON p.id = b.pack WHERE p.digest = ?
"""


def _insert(db: apsw.Connection, objects: Iterable[StoredObject], lease: int) -> int:
    """Insert what is in no tier yet; return how many rows came."""
    hot: list[tuple[object, ...]] = []
    large: list[tuple[object, ...]] = []
    for digest, size, codec, data, place in objects:
        if data is not None:
            hot.append((digest[0], size, codec, lease, data))
        elif place is None:
            large.append((digest[0], size, codec, lease))
        else:
            msg = f"object {digest} is in a pack: it is moved there, not stored"
            raise ConflictError(msg)
    before = db.total_changes()
    bulk.insert(db, _INTO_HOT, hot, _NOT_ELSEWHERE if db.execute(_IS_ELSEWHERE).get else "")
    bulk.insert(db, _INTO_LARGE, large)
    return db.total_changes() - before


def put(db: apsw.Connection, objects: Sequence[StoredObject], lease: int = 0) -> int:
    """Insert objects that are not there yet, stamped; hold those that are, with a lease.

    Returns how many were there.
    """
    new = _insert(db, objects, lease)
    if lease and new < len(objects):
        stamps = _leases(db, [item.digest for item in objects])
        hold(db, [o.digest for o in objects if stamps.get(o.digest.raw) != lease], lease)
    return len(objects) - new


def hold(db: apsw.Connection, digests: Iterable[Digest], lease: int) -> None:
    """Hold digests, stored or not, whatever stamps they bear: a stamp goes with its row."""
    bulk.insert(db, _INTO_HOLDS, [(one.raw, lease) for one in digests])


def let_go(db: apsw.Connection, digests: Iterable[Digest], lease: int) -> None:
    """Hold digests no longer but by their stamps."""
    db.executemany(
        "DELETE FROM holds WHERE digest = ? AND lease = ?", ((one.raw, lease) for one in digests)
    )


def restore(db: apsw.Connection, objects: Sequence[StoredObject], lease: int) -> None:
    """Put rows in the place of whatever rows their digests have."""
    stamps = _leases(db, [item.digest for item in objects])
    for item in objects:
        stamp = stamps.get(item.digest.raw, lease)
        _forget(db, [item.digest.raw])
        _insert(db, [item], stamp)
        if lease != stamp and lease:
            hold(db, [item.digest], lease)


def _leases(db: apsw.Connection, digests: Sequence[Digest], *tiers: str) -> dict[bytes, int]:
    """Return the stamps of those that are stored in one of the tiers (default: any)."""
    stamps: dict[bytes, int] = {}
    for start in range(0, len(digests), _MANY):
        some = [digest.raw for digest in digests[start : start + _MANY]]
        marks = ",".join("?" * len(some))
        for tier in tiers or TIERS:
            sql = f"SELECT digest, lease FROM {tier} WHERE digest IN ({marks})"
            stamps.update(db.execute(sql, some))
    return stamps


def list_pack(db: apsw.Connection, new: NewPack) -> None:
    """Insert a pack and its blocks unless it is listed."""
    pack = new.pack
    if db.execute("SELECT id FROM packs WHERE digest = ?", (pack.digest.raw,)).get is not None:
        return
    db.execute(
        "INSERT INTO packs (digest, size, objects, dictionary_offset, dictionary_length)"
        " VALUES (?, ?, ?, ?, ?)",
        (
            pack.digest.raw,
            pack.size,
            pack.objects,
            pack.dictionary_offset,
            pack.dictionary_length,
        ),
    )
    number = db.last_insert_rowid()
    db.executemany(
        "INSERT INTO blocks (pack, offset, length, size) VALUES (?, ?, ?, ?)",
        ((number, *block) for block in new.blocks),
    )


def move(db: apsw.Connection, moves: Sequence[Packed]) -> None:
    """Let hot and sealed objects lie where they are packed; the stamps go with them."""
    stamps = _leases(db, [one.digest for one in moves], "hot", "sealed")
    moved = [one for one in moves if one.digest.raw in stamps]
    new = _sealed_rows(db, moved, stamps)
    gone = [(one.digest.raw,) for one in moved]
    db.executemany("DELETE FROM hot WHERE digest = ?", gone)
    db.executemany("DELETE FROM sealed WHERE digest = ?", gone)
    bulk.insert(db, _INTO_SEALED, new)


def find(db: apsw.Connection, finds: Sequence[Packed]) -> None:
    """Insert objects of packs that are in no tier."""
    bulk.insert(db, _INTO_SEALED, _sealed_rows(db, finds, {}))


def _sealed_rows(
    db: apsw.Connection, packed: Iterable[Packed], stamps: dict[bytes, int]
) -> list[tuple[object, ...]]:
    """Return the rows of ``sealed``; ConflictError for a pack or block that is not listed."""
    blocks: dict[Digest, tuple[int | None, int]] = {}
    new: list[tuple[object, ...]] = []
    for one in packed:
        found = blocks.get(one.pack)
        if found is None:
            row = db.execute(_FIRST_BLOCK, (one.pack.raw,)).fetchone()
            found = blocks[one.pack] = row or (None, 0)
        first, count = found
        # Blocks of a pack came in one transaction, so their numbers follow one another.
        if first is None or not 0 <= one.block < count:
            msg = f"pack {one.pack} with block {one.block} is not listed"
            raise ConflictError(msg, hint="list the pack before its objects")
        raw = one.digest.raw
        new.append((raw, first + one.block, one.start, one.size, stamps.get(raw, 0)))
    return new


def drop_packs(db: apsw.Connection, digests: Sequence[Digest]) -> None:
    """List packs no longer; ConflictError while an object is in one."""
    raws = [(digest.raw,) for digest in digests]
    marks = ",".join("?" * len(raws))
    # One pass over ``sealed`` for all of them; an index on its blocks would cost more.
    used = db.execute(
        f"SELECT p.digest FROM {rows.SEALED} WHERE s.block IN (SELECT b.id FROM blocks b"
        f" JOIN packs p ON p.id = b.pack WHERE p.digest IN ({marks})) LIMIT 1",
        [raw for (raw,) in raws],
    ).get
    if used is not None:
        msg = f"pack {used.hex()} has objects"
        raise ConflictError(msg, hint="move or delete them before the pack")
    db.executemany("DELETE FROM blocks WHERE pack = (SELECT id FROM packs WHERE digest = ?)", raws)
    db.executemany("DELETE FROM packs WHERE digest = ?", raws)


def unpin(db: apsw.Connection, digests: Iterable[Digest]) -> None:
    """Remove pins."""
    db.executemany(
        "DELETE FROM refs WHERE digest = ? AND stream IS NULL", ((one.raw,) for one in digests)
    )


def delete(db: apsw.Connection, digests: Sequence[Digest]) -> None:
    """Remove the rows and pins of objects."""
    _forget(db, [digest.raw for digest in digests])
    unpin(db, digests)


def _forget(db: apsw.Connection, raws: Iterable[bytes]) -> None:
    gone = [(raw,) for raw in raws]
    for tier in TIERS:
        db.executemany(f"DELETE FROM {tier} WHERE digest = ?", gone)


def refer(db: apsw.Connection, references: Iterable[Reference]) -> None:
    """Insert references that are not there yet."""
    streams: dict[str | None, int | None] = {None: None}
    cells: list[tuple[bytes, str, int | None]] = []
    for reference in references:
        run_id = reference.run_id
        if run_id is not None and run_id not in streams:
            # An object that is stored by itself needs nothing of the log.
            from aivcs.adapters.sqlite.appending import head
            from aivcs.domain.stream import Family

            streams[run_id], _ = head(db, Family.RUN, run_id)
        cells.append((reference.digest.raw, reference.role, streams[run_id]))
    bulk.insert(db, "INSERT INTO refs (digest, role, stream)", cells)
