"""The part of the Ledger that collecting and sealing ask: who needs what, and one at a time."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Final

from aivcs.adapters.postgres import leases
from aivcs.adapters.postgres.failures import translated
from aivcs.adapters.postgres.session import SCHEMA
from aivcs.domain import log_rows, rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from aivcs.adapters.postgres.database import Database
    from aivcs.adapters.postgres.session import Session
    from aivcs.domain.digest import Digest
    from aivcs.domain.pack_writes import Surveyed
    from aivcs.domain.usage import Use

_MANY: Final = 2000
_LIVE: Final = "l.id <> ALL(%(dead)s::bigint[])"
_LET_GO: Final = "EXISTS (SELECT FROM expired x WHERE x.stream = {0}.stream)"
_NAMED: Final = f"""(
EXISTS (SELECT FROM refs f WHERE f.digest = o.digest
  AND (f.stream IS NULL OR NOT {_LET_GO.format("f")}))
OR EXISTS (SELECT FROM entries e WHERE e.object = o.digest)
OR EXISTS (SELECT FROM early e WHERE e.object = o.digest)
OR EXISTS (SELECT FROM specs s WHERE s.digest = o.digest)
OR EXISTS (SELECT FROM specs s WHERE s.manifest = o.digest)
OR EXISTS (SELECT FROM ends e WHERE e.final_state = o.digest AND NOT {_LET_GO.format("e")})
OR EXISTS (SELECT FROM runs r WHERE r.source = o.digest AND NOT {_LET_GO.format("r")})
)"""
_HELD: Final = f"""(
o.lease <> 0 AND EXISTS (SELECT FROM leases l WHERE l.id = o.lease AND {_LIVE})
OR EXISTS (SELECT FROM holds h JOIN leases l ON l.id = h.lease
  WHERE h.digest = o.digest AND {_LIVE})
)"""
_PAGE: Final = "WHERE {0} > %(after)s ORDER BY {0} LIMIT %(limit)s"
_SURVEY: Final = f"""
SELECT o.digest, o.tier, o.size, o.stored, {_NAMED}, {_HELD}, o.pack FROM (
  (SELECT digest, 'hot' AS tier, size, octet_length(data)::bigint AS stored, lease,
    NULL::bytea AS pack FROM hot {_PAGE.format("digest")})
  UNION ALL (SELECT s.digest, 'sealed', s.size, s.size, s.lease, p.digest
    FROM {rows.SEALED} {_PAGE.format("s.digest")})
  UNION ALL (SELECT digest, 'large', size, size, lease, NULL FROM large {_PAGE.format("digest")})
  ORDER BY 1 LIMIT %(limit)s
) o ORDER BY 1
"""
_UNNAMED: Final = f"""
WITH o (digest, lease) AS (
  SELECT w.digest, coalesce(h.lease, s.lease, l.lease, 0) FROM unnest(%(some)s::bytea[])
    AS w (digest)
    LEFT JOIN hot h ON h.digest = w.digest LEFT JOIN sealed s ON s.digest = w.digest
    LEFT JOIN large l ON l.digest = w.digest
)
SELECT o.digest FROM o WHERE NOT {_NAMED} AND NOT {_HELD}
"""
_CHURNING: Final = (
    "hot",
    "sealed",
    "large",
    "holds",
    "early",
    "refs",
    "leases",
    "streams",
    "writers",
)
_SIZE: Final = f"""
SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class
WHERE relnamespace = '{SCHEMA}'::regnamespace AND relkind = 'r'
"""
_KEEP_HOLDS: Final = """
INSERT INTO holds SELECT digest, lease FROM sealed WHERE lease IN (SELECT id FROM leases)
ON CONFLICT DO NOTHING
"""


class Housekeeping:
    """Leases, the survey of what is needed, and the room that tables take."""

    _db: Database
    _upkeep: leases.Upkeep
    _stained: set[str]

    def survey(self, *, after: Digest | None = None, limit: int = 1000) -> list[Surveyed]:
        """Return what is stored, by digest."""
        bindings = {"dead": self._dead(), "after": after.raw if after else b"", "limit": limit}
        return [log_rows.surveyed(row) for row in self._db.rows(_SURVEY, bindings)]

    def unnamed(self, digests: Sequence[Digest]) -> set[Digest]:
        """Return what nothing names or holds."""
        result: set[Digest] = set()
        dead = self._dead()
        for start in range(0, len(digests), _MANY):
            some = [digest.raw for digest in digests[start : start + _MANY]]
            found = self._db.rows(_UNNAMED, {"dead": dead, "some": some})
            result.update(map(rows.key, found))
        return result

    def uses(self, digests: Sequence[Digest]) -> list[Use]:
        """Return what keeps some objects."""
        from aivcs.adapters.postgres.uses import uses

        tokens = self._db.rows("SELECT id, token FROM leases")
        dead = set(self._dead())
        live = {n: leases.described(n, token) for n, token in tokens if n not in dead}
        return uses(self._db.rows, digests, live)

    def upkeep(self, *, wait: bool) -> AbstractContextManager[bool]:
        """Hold the lock of upkeep."""
        self._db.check_open()
        return self._upkeep.hold(wait=wait)

    def abandoned(self) -> int:
        """Count the leases that no session holds."""
        return len(self._db.rows(leases.DEAD))

    def reap(self) -> int:
        """Forget the leases of dead processes with what they held."""
        return leases.reap(self._db)

    def compact(self, advance: Callable[[], None] = lambda: None) -> bool:
        """Let the server give back room, and write anew the tables that lost something here.

        Until then the pages of a table keep what its rows said. What is in the server's log
        and its backups is beyond it.
        """
        from aivcs.adapters.postgres.rewriting import rewrite

        with closing(self._db.connect().unhurried()) as session, translated(self._db.server):
            for table in _CHURNING:
                session.run(f"VACUUM (TRUNCATE) {SCHEMA}.{table}")
                advance()
            for table in sorted(self._stained):
                if rewrite(session, table):
                    self._stained.discard(table)
                advance()
        return not self._stained

    def footprint(self) -> int:
        """Return the bytes of the ledger's tables and their indexes."""
        return int(self._db.rows(_SIZE)[0][0])

    def reset_index(self) -> None:
        """Empty the tables of packs; what live processes hold of their objects stays held."""

        def forget(session: Session) -> None:
            session.run(_KEEP_HOLDS)
            for table in ("sealed", "blocks", "packs"):
                session.run(f"DELETE FROM {table}")

        self._db.transact(forget, alone=True)

    def _dead(self) -> list[int]:
        """Return the leases of dead processes, to whoever only looks.

        Inside a transaction that writes none is dead until it is reaped: its process may
        only have lost its connection, and is told so when it is reaped, not before.
        """
        if self._db.is_writing:
            return []
        return [number for (number,) in self._db.rows(leases.DEAD)]
