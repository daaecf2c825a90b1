"""The part of the Ledger that reads objects, wherever they lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.domain import log_rows, rows
from aivcs.errors import CorruptionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aivcs.adapters.postgres.database import Database
    from aivcs.domain.batch import Reference
    from aivcs.domain.digest import Digest
    from aivcs.domain.listing import Listing
    from aivcs.domain.stored import Pack, StoredObject

_MANY: Final = 2000
_NO_PLACE: Final = "NULL::bigint" + ", NULL::bigint" * 3 + ", NULL::bytea" + ", NULL::bigint" * 4
_HOT: Final = f"SELECT digest, size, codec, data, {_NO_PLACE} FROM hot"
_LARGE: Final = f"SELECT digest, size, codec, NULL::bytea, {_NO_PLACE} FROM large"
_WANTED: Final = "digest = ANY(%(some)s::bytea[])"
_OBJECTS: Final = (
    f"{_HOT} WHERE {_WANTED}"
    f" UNION ALL SELECT s.digest, s.size, 1, NULL, {rows.PLACE} FROM {rows.SEALED}"
    f" WHERE s.{_WANTED}"
    f" UNION ALL {_LARGE} WHERE {_WANTED}"
)
_SIZES: Final = " UNION ALL ".join(
    f"SELECT digest, size FROM {tier} WHERE {_WANTED}" for tier in ("hot", "sealed", "large")
)
_DIGESTS: Final = (
    " UNION ".join(
        f"(SELECT digest FROM {tier} WHERE digest > %(after)s ORDER BY digest LIMIT %(limit)s)"
        for tier in ("hot", "sealed", "large")
    )
    + " ORDER BY digest LIMIT %(limit)s"
)
_REFERENCES: Final = """
SELECT f.digest, f.role, s.name FROM refs f LEFT JOIN streams s ON s.id = f.stream
WHERE NOT EXISTS (SELECT FROM expired x WHERE x.stream = f.stream)
"""
_UNEXPIRED: Final = "NOT EXISTS (SELECT FROM expired x WHERE x.stream = s.id)"
_ABSENT: Final = " AND ".join(
    f"NOT EXISTS (SELECT FROM {tier} o WHERE o.digest = f.digest)"
    for tier in ("sealed", "hot", "large")
)
_NAMED: Final = f"""
SELECT f.digest FROM refs f WHERE NOT EXISTS (SELECT FROM expired x WHERE x.stream = f.stream)
UNION SELECT r.source FROM runs r JOIN streams s ON s.id = r.stream
  WHERE r.source IS NOT NULL AND {_UNEXPIRED}
UNION SELECT object FROM entries WHERE object IS NOT NULL
UNION SELECT object FROM early WHERE object IS NOT NULL
UNION SELECT digest FROM specs
UNION SELECT manifest FROM specs WHERE manifest IS NOT NULL
"""
_HOLDERS: Final = f"""
SELECT 'run ' || s.name || ' (source)' COLLATE "C" AS who
  FROM runs r JOIN streams s ON s.id = r.stream WHERE r.source = %(digest)s AND {_UNEXPIRED}
UNION SELECT 'run ' || s.name || ' (final state)' FROM ends e JOIN streams s ON s.id = e.stream
  WHERE e.final_state = %(digest)s AND {_UNEXPIRED}
UNION SELECT s.family || ' ' || s.name || ' #' || e.seq FROM entries e
  JOIN streams s ON s.id = e.stream WHERE e.object = %(digest)s
UNION SELECT 'run ' || s.name || ' #' || e.seq FROM early e
  JOIN streams s ON s.id = e.stream WHERE e.object = %(digest)s
UNION SELECT 'run ' || s.name || CASE r.role WHEN 'state' THEN ' (final state)'
  ELSE ' (' || r.role || ')' END FROM refs r
  JOIN streams s ON s.id = r.stream WHERE r.digest = %(digest)s AND {_UNEXPIRED}
UNION SELECT 'spec ' || name FROM specs WHERE digest = %(digest)s OR manifest = %(digest)s
ORDER BY 1 LIMIT 20
"""


class ObjectReads:
    """What is stored, where, and what names it."""

    _db: Database

    def objects(self, digests: Sequence[Digest]) -> Mapping[Digest, StoredObject]:
        """Return stored objects; one statement sees an object before or after its move."""
        found = self._wanted(_OBJECTS, digests)
        return {item.digest: item for item in map(rows.stored, found)}

    def sizes(self, digests: Sequence[Digest]) -> Mapping[Digest, int]:
        """Return sizes from the tables alone."""
        return {rows.key(row): row[1] for row in self._wanted(_SIZES, digests)}

    def _wanted(self, sql: str, digests: Sequence[Digest]) -> list[rows.Row]:
        if len(digests) <= _MANY:
            return self._db.rows(sql, {"some": [digest.raw for digest in digests]})
        result: list[rows.Row] = []
        with self._db.snapshot():
            for start in range(0, len(digests), _MANY):
                some = [digest.raw for digest in digests[start : start + _MANY]]
                result += self._db.rows(sql, {"some": some})
        return result

    def hot(self, *, after: int = 0, limit: int = 500) -> list[tuple[int, StoredObject]]:
        """Return hot objects by the numbers of their rows."""
        found = self._db.rows(
            f"SELECT digest, size, codec, data, {_NO_PLACE}, id FROM hot"
            " WHERE id > %s ORDER BY id LIMIT %s",
            (after, limit),
        )
        return [(row[-1], rows.stored(row[:-1])) for row in found]

    def hot_rows(self, after: int, until: int) -> list[tuple[bytes, int, int, bytes]]:
        """Return hot objects by the numbers of their rows, as they are stored."""
        sql = "SELECT digest, size, codec, data FROM hot WHERE id > %s AND id <= %s ORDER BY id"
        return self._db.rows(sql, (after, until))

    def backlog(self) -> int:
        """Return how many rows of ``hot`` there are if no number between is free."""
        sql = (
            "SELECT coalesce(1 + (SELECT max(id) FROM hot) - (SELECT min(id) FROM hot), 0)::bigint"
        )
        return int(self._db.rows(sql)[0][0])

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
            f"SELECT {rows.PACK}, p.id FROM packs p WHERE digest = %s", (pack.raw,)
        )
        if not found:
            return None
        blocks = self._db.rows(
            'SELECT id, "offset", length, size FROM blocks WHERE pack = %s ORDER BY id',
            (found[0][-1],),
        )
        first = blocks[0][0] if blocks else 0
        if [row[0] for row in blocks] != list(range(first, first + len(blocks))):
            msg = f"the blocks of pack {pack} are not numbered without a gap"
            raise CorruptionError(msg, hint="'aivcs verify' says more")
        # All of ``sealed`` is passed over; an index on its blocks would cost more than that.
        objects = self._db.rows(
            "SELECT digest, block - %(first)s::bigint, start, size FROM sealed"
            " WHERE block BETWEEN %(first)s AND %(last)s ORDER BY block, start",
            {"first": first, "last": first + len(blocks) - 1},
        )
        return Listing(rows.pack(found[0][:-1]), [row[1:] for row in blocks], objects)

    def large(self, *, after: Digest | None = None, limit: int = 1000) -> list[StoredObject]:
        """Return large objects in order of digest."""
        found = self._db.rows(
            f"{_LARGE} WHERE digest > %s ORDER BY digest LIMIT %s",
            (after.raw if after else b"", limit),
        )
        return [rows.stored(row) for row in found]

    def digests(self, *, after: Digest | None = None, limit: int = 1000) -> list[Digest]:
        """Return stored digests in order."""
        mark = {"after": after.raw if after else b"", "limit": limit}
        return [rows.key(row) for row in self._db.rows(_DIGESTS, mark)]

    def references(self, digest: Digest | None = None) -> list[Reference]:
        """Return explicit references."""
        where, bindings = ("AND f.digest = %s", (digest.raw,)) if digest else ("", ())
        found = self._db.rows(f"{_REFERENCES} {where} ORDER BY f.id", bindings)
        return [log_rows.reference(row) for row in found]

    def dangling(self) -> list[Reference]:
        """Return explicit references to what is in no tier."""
        found = self._db.rows(f"{_REFERENCES} AND {_ABSENT} ORDER BY f.id")
        return [log_rows.reference(row) for row in found]

    def missing(self) -> list[Digest]:
        """Return what rows name and no tier has."""
        found = self._db.rows(f"SELECT digest FROM ({_NAMED}) f WHERE {_ABSENT} ORDER BY digest")
        return [rows.key(row) for row in found]

    def holders(self, digest: Digest) -> list[str]:
        """Say which rows name an object."""
        return [row[0] for row in self._db.rows(_HOLDERS, {"digest": digest.raw})]
