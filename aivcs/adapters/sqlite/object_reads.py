"""The part of the Ledger that reads objects, wherever they lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.domain import rows
from aivcs.errors import CorruptionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aivcs.adapters.sqlite.connection import Connection
    from aivcs.domain.batch import Reference
    from aivcs.domain.digest import Digest
    from aivcs.domain.listing import Listing
    from aivcs.domain.stored import Pack, StoredObject

_MANY: Final = 500
_NO_PLACE: Final = "NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL"
_HOT: Final = f"SELECT digest, size, codec, data, {_NO_PLACE} FROM hot WHERE digest IN (?)"
_MANY_HOT: Final = "SELECT digest, size, codec, data FROM hot WHERE digest IN (?)"
_MANY_SEALED: Final = "SELECT digest, size, start, block FROM sealed WHERE digest IN (?)"
_MANY_LARGE: Final = "SELECT digest, size, codec, NULL FROM large WHERE digest IN (?)"
_BLOCKS: Final = (
    f"SELECT b.id, {rows.BLOCK} FROM blocks b LEFT JOIN packs p ON p.id = b.pack WHERE b.id IN (?)"
)
_SEALED: Final = (
    f"SELECT s.digest, s.size, 1, NULL, {rows.PLACE} FROM {rows.SEALED} WHERE s.digest IN (?)"
)
_LARGE: Final = f"SELECT digest, size, codec, NULL, {_NO_PLACE} FROM large WHERE digest IN (?)"
_ONE: Final = f"{_HOT} UNION ALL {_SEALED} UNION ALL {_LARGE} LIMIT 1".replace("?", "?1")
"""``= ?1`` in place of ``IN (?1)`` lets SQLite plan this statement anew at each call."""
_SIZES: Final = tuple(
    f"SELECT digest, size FROM {tier} WHERE digest IN (?)" for tier in ("hot", "sealed", "large")
)
_DIGESTS: Final = (
    " UNION ".join(
        f"SELECT digest FROM {tier} WHERE digest > ?1" for tier in ("hot", "sealed", "large")
    )
    + " ORDER BY digest LIMIT ?2"
)
_REFERENCES: Final = """
SELECT f.digest, f.role, s.name FROM refs f LEFT JOIN streams s ON s.id = f.stream
WHERE NOT EXISTS (SELECT 1 FROM expired x WHERE x.stream = f.stream)
"""
# Each table is passed over once in the order of its index; a search for every digest costs more.
_DANGLING: Final = f"""
WITH gone AS MATERIALIZED (
  SELECT digest FROM refs EXCEPT SELECT digest FROM sealed EXCEPT SELECT digest FROM hot
  EXCEPT SELECT digest FROM large ORDER BY 1
) {_REFERENCES} AND f.digest IN gone ORDER BY f.id
"""
_UNEXPIRED: Final = "NOT EXISTS (SELECT 1 FROM expired x WHERE x.stream = s.id)"
_ABSENT: Final = " AND ".join(
    f"NOT EXISTS (SELECT 1 FROM {tier} o WHERE o.digest = f.digest)"
    for tier in ("sealed", "hot", "large")
)
_NAMED: Final = f"""
SELECT f.digest FROM refs f WHERE NOT EXISTS (SELECT 1 FROM expired x WHERE x.stream = f.stream)
UNION SELECT r.source FROM runs r JOIN streams s ON s.id = r.stream
  WHERE r.source IS NOT NULL AND {_UNEXPIRED}
UNION SELECT object FROM entries WHERE object IS NOT NULL
UNION SELECT object FROM early WHERE object IS NOT NULL
UNION SELECT digest FROM specs
UNION SELECT manifest FROM specs WHERE manifest IS NOT NULL
"""
_HOLDERS: Final = f"""
SELECT DISTINCT 'run ' || s.name || ' (source)' FROM runs r JOIN streams s ON s.id = r.stream
  WHERE r.source = ?1 AND {_UNEXPIRED}
UNION SELECT 'run ' || s.name || ' (final state)' FROM ends e JOIN streams s ON s.id = e.stream
  WHERE e.final_state = ?1 AND {_UNEXPIRED}
UNION SELECT s.family || ' ' || s.name || ' #' || e.seq FROM entries e
  JOIN streams s ON s.id = e.stream WHERE e.object = ?1
UNION SELECT 'run ' || s.name || ' #' || e.seq FROM early e
  JOIN streams s ON s.id = e.stream WHERE e.object = ?1
UNION SELECT 'run ' || s.name || iif(r.role = 'state', ' (final state)', ' (' || r.role || ')')
  FROM refs r
  JOIN streams s ON s.id = r.stream WHERE r.digest = ?1 AND {_UNEXPIRED}
UNION SELECT 'spec ' || name FROM specs WHERE digest = ?1 OR manifest = ?1
ORDER BY 1 LIMIT 20
"""


def _the_one(wanted: Digest, row: rows.Row) -> StoredObject:
    """Return the object of the row that was found for a digest, if it is that object's."""
    if row[0] != wanted.raw:
        # A tree whose pages are damaged can lead to another row.
        msg = f"the ledger finds the row of another object where it looks for {wanted}"
        raise CorruptionError(msg, hint="'aivcs verify' says more, 'aivcs repair' rebuilds it")
    return rows.stored(row)


class ObjectReads:
    """What is stored, where, and what names it."""

    _db: Connection

    def objects(self, digests: Sequence[Digest]) -> Mapping[Digest, StoredObject]:
        """Return stored objects; one statement sees an object before or after its move."""
        if len(digests) == 1:
            found = self._db.rows(_ONE, (digests[0].raw,))
            return {digests[0]: _the_one(digests[0], found[0])} if found else {}
        with self._db.snapshot():
            small, placed, large = self._by_tier((_MANY_HOT, _MANY_SEALED, _MANY_LARGE), digests)
            blocks = self._blocks({row[3] for row in placed})
        items = [*rows.hot(small), *rows.sealed(placed, blocks), *map(rows.stored, large)]
        return {item.digest: item for item in items}

    def _blocks(self, numbers: set[int]) -> dict[int, rows.Row]:
        """Return the rows of blocks: few, where many objects lie together."""
        wanted = list(numbers)
        result: dict[int, rows.Row] = {}
        for start in range(0, len(wanted), _MANY):
            some = tuple(wanted[start : start + _MANY])
            found = self._db.rows(_BLOCKS.replace("?", ",".join("?" * len(some))), some)
            result.update((row[0], row[1:]) for row in found)
        return result

    def sizes(self, digests: Sequence[Digest]) -> Mapping[Digest, int]:
        """Return sizes from the tables alone."""
        with self._db.snapshot():
            tiers = self._by_tier(_SIZES, digests)
        return {rows.key(row): row[1] for found in tiers for row in found}

    def _by_tier(
        self, statements: Sequence[str], digests: Sequence[Digest]
    ) -> list[list[rows.Row]]:
        """Ask the tiers one after the other, each for what the ones before had not."""
        result: list[list[rows.Row]] = [[] for _ in statements]
        for start in range(0, len(digests), _MANY):
            some = [digest.raw for digest in digests[start : start + _MANY]]
            for sql, tier in zip(statements, result, strict=True):
                marks = ",".join("?" * len(some))
                found = self._db.rows(sql.replace("?", marks), tuple(some))
                tier.extend(found)
                if len(found) == len(some):
                    break
                known = {row[0] for row in found}
                some = [raw for raw in some if raw not in known]
        return result

    def hot(self, *, after: int = 0, limit: int = 500) -> list[tuple[int, StoredObject]]:
        """Return hot objects by the numbers of their rows."""
        found = self._db.rows(
            f"SELECT digest, size, codec, data, {_NO_PLACE}, id FROM hot"
            " WHERE id > ? ORDER BY id LIMIT ?",
            (after, limit),
        )
        return [(row[-1], rows.stored(row[:-1])) for row in found]

    def hot_rows(self, after: int, until: int) -> list[tuple[bytes, int, int, bytes]]:
        """Return hot objects by the numbers of their rows, as they are stored."""
        sql = "SELECT digest, size, codec, data FROM hot WHERE id > ? AND id <= ? ORDER BY id"
        return self._db.rows(sql, (after, until))

    def backlog(self) -> int:
        """Return how many rows of ``hot`` there are if no number between is free."""
        (span,) = self._db.rows(
            "SELECT ifnull(1 + (SELECT max(id) FROM hot) - (SELECT min(id) FROM hot), 0)"
        )[0]
        return int(span)

    def packs(self) -> list[Pack]:
        """Return packs in the order of listing."""
        return [
            rows.pack(row) for row in self._db.rows(f"SELECT {rows.PACK} FROM packs p ORDER BY id")
        ]

    def listing(self, pack: Digest) -> Listing | None:
        """Return what is listed of a pack, as of one moment."""
        with self._db.snapshot():
            return self._listing(pack)

    def _listing(self, pack: Digest) -> Listing | None:
        from aivcs.domain.listing import Listing

        found = self._db.rows(
            f"SELECT {rows.PACK}, p.id FROM packs p WHERE digest = ?", (pack.raw,)
        )
        if not found:
            return None
        number = found[0][-1]
        blocks = self._db.rows(
            "SELECT id, offset, length, size FROM blocks WHERE pack = ? ORDER BY id", (number,)
        )
        first = blocks[0][0] if blocks else 0
        if [row[0] for row in blocks] != list(range(first, first + len(blocks))):
            msg = f"the blocks of pack {pack} are not numbered without a gap"
            raise CorruptionError(msg, hint="'aivcs verify' says more")
        # All of ``sealed`` is passed over; an index on its blocks would cost more than that.
        objects = self._db.rows(
            "SELECT digest, block - ?1, start, size FROM sealed WHERE block BETWEEN ?1 AND ?2"
            " ORDER BY block, start",
            (first, first + len(blocks) - 1),
        )
        return Listing(rows.pack(found[0][:-1]), [row[1:] for row in blocks], objects)

    def large(self, *, after: Digest | None = None, limit: int = 1000) -> list[StoredObject]:
        """Return large objects in order of digest."""
        found = self._db.rows(
            f"SELECT digest, size, codec, NULL, {_NO_PLACE} FROM large"
            " WHERE digest > ? ORDER BY digest LIMIT ?",
            (after.raw if after else b"", limit),
        )
        return [rows.stored(row) for row in found]

    def digests(self, *, after: Digest | None = None, limit: int = 1000) -> list[Digest]:
        """Return stored digests in order."""
        found = self._db.rows(_DIGESTS, (after.raw if after else b"", limit))
        return [rows.key(row) for row in found]

    def references(self, digest: Digest | None = None) -> list[Reference]:
        """Return explicit references."""
        from aivcs.domain.log_rows import reference

        where, bindings = ("AND f.digest = ?", (digest.raw,)) if digest else ("", ())
        found = self._db.rows(f"{_REFERENCES} {where} ORDER BY f.id", bindings)
        return [reference(row) for row in found]

    def dangling(self) -> list[Reference]:
        """Return explicit references to what is in no tier."""
        from aivcs.domain.log_rows import reference

        found = self._db.rows(_DANGLING)
        return [reference(row) for row in found]

    def missing(self) -> list[Digest]:
        """Return what rows name and no tier has."""
        found = self._db.rows(f"SELECT digest FROM ({_NAMED}) f WHERE {_ABSENT} ORDER BY digest")
        return [rows.key(row) for row in found]

    def holders(self, digest: Digest) -> list[str]:
        """Say which rows name an object."""
        return [row[0] for row in self._db.rows(_HOLDERS, (digest.raw,))]
