"""The part of the Ledger that collecting and sealing ask: who needs what, and one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.adapters.sqlite import leases
from aivcs.domain import rows
from aivcs.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from aivcs.adapters.sqlite.connection import Connection
    from aivcs.domain.digest import Digest
    from aivcs.domain.pack_writes import Surveyed
    from aivcs.domain.usage import Use

_MANY: Final = 500
_VACUUM_PAGES: Final = 500
_FEW_PAGES: Final = 20
_NOT_DEAD: Final = "l.id NOT IN (SELECT value FROM json_each(?1))"
_LET_GO: Final = "EXISTS (SELECT 1 FROM expired x WHERE x.stream = {0}.stream)"
_NAMED: Final = f"""(
EXISTS (SELECT 1 FROM refs f WHERE f.digest = o.digest
  AND (f.stream IS NULL OR NOT {_LET_GO.format("f")}))
OR EXISTS (SELECT 1 FROM entries e WHERE e.object = o.digest)
OR EXISTS (SELECT 1 FROM early e WHERE e.object = o.digest)
OR EXISTS (SELECT 1 FROM specs s WHERE s.digest = o.digest)
OR EXISTS (SELECT 1 FROM specs s WHERE s.manifest = o.digest)
OR EXISTS (SELECT 1 FROM ends e WHERE e.final_state = o.digest AND NOT {_LET_GO.format("e")})
OR EXISTS (SELECT 1 FROM runs r WHERE r.source = o.digest AND NOT {_LET_GO.format("r")})
)"""
_HELD: Final = f"""(
o.lease <> 0 AND EXISTS (SELECT 1 FROM leases l WHERE l.id = o.lease AND {_NOT_DEAD})
OR EXISTS (SELECT 1 FROM holds h JOIN leases l ON l.id = h.lease
  WHERE h.digest = o.digest AND {_NOT_DEAD})
)"""
_SURVEY: Final = f"""
SELECT o.digest, o.tier, o.size, o.stored, {_NAMED}, {_HELD}, o.pack FROM (
  SELECT * FROM (SELECT digest, 'hot' AS tier, size, length(data) AS stored, lease, NULL AS pack
    FROM hot WHERE digest > ?2 ORDER BY digest LIMIT ?3)
  UNION ALL SELECT * FROM (SELECT s.digest, 'sealed', s.size, s.size, s.lease, p.digest
    FROM {rows.SEALED} WHERE s.digest > ?2 ORDER BY s.digest LIMIT ?3)
  UNION ALL SELECT * FROM (SELECT digest, 'large', size, size, lease, NULL
    FROM large WHERE digest > ?2 ORDER BY digest LIMIT ?3)
  ORDER BY 1 LIMIT ?3
) o ORDER BY 1
"""
_UNNAMED: Final = f"""
WITH w(digest) AS (VALUES {{0}}), o(digest, lease) AS (
  SELECT w.digest, coalesce(h.lease, s.lease, l.lease, 0) FROM w
    LEFT JOIN hot h ON h.digest = w.digest LEFT JOIN sealed s ON s.digest = w.digest
    LEFT JOIN large l ON l.digest = w.digest
)
SELECT o.digest FROM o WHERE NOT {_NAMED} AND NOT {_HELD}
"""


class Housekeeping:
    """Leases, the survey of what is needed, and the file's own size."""

    _db: Connection
    _locks: Path

    def survey(self, *, after: Digest | None = None, limit: int = 1000) -> list[Surveyed]:
        """Return what is stored, by digest."""
        from aivcs.domain import log_rows

        # Who was dead before the statement is dead; a lease that came since counts as live.
        found = self._db.rows(_SURVEY, (self._dead_text(), after.raw if after else b"", limit))
        return [log_rows.surveyed(row) for row in found]

    def unnamed(self, digests: Sequence[Digest]) -> set[Digest]:
        """Return what nothing names or holds."""
        result: set[Digest] = set()
        dead = self._dead_text()
        for start in range(0, len(digests), _MANY):
            some = [digest.raw for digest in digests[start : start + _MANY]]
            marks = ",".join(f"(?{number})" for number in range(2, len(some) + 2))
            found = self._db.rows(_UNNAMED.format(marks), (dead, *some))
            result.update(map(rows.key, found))
        return result

    def uses(self, digests: Sequence[Digest]) -> list[Use]:
        """Return what keeps some objects."""
        from aivcs.adapters.sqlite.uses import uses

        tokens = self._db.rows("SELECT id, token FROM leases")
        dead = leases.dead(self._locks, tokens)
        live = {number: leases.described(number, token) for number, token in tokens}
        return uses(self._db.rows, digests, {n: who for n, who in live.items() if n not in dead})

    def upkeep(self, *, wait: bool) -> AbstractContextManager[bool]:
        """Hold the lock of upkeep."""
        self._db.check_open()
        return leases.upkeep(self._locks, wait=wait)

    def abandoned(self) -> int:
        """Count the leases of dead processes."""
        return len(self._dead())

    def reap(self) -> int:
        """Forget dead leases and their holds, then their files."""
        dead = self._dead()
        if dead:
            numbers = [(number,) for number in dead]
            with self._db.writing() as db:
                db.executemany("DELETE FROM leases WHERE id = ?", numbers)
                db.execute("DELETE FROM holds WHERE lease NOT IN (SELECT id FROM leases)")
        leases.clear(self._locks)
        return len(dead)

    def compact(self, advance: Callable[[], None] = lambda: None) -> bool:
        """Cut free pages off the file, some at a time, then merge the log into it.

        Tells whether the log is empty then; a reader may need it.
        """
        left, pages = self._free_pages(), _VACUUM_PAGES
        while left:
            try:
                self._db.maintain(f"PRAGMA incremental_vacuum({pages})")
            except StorageError:
                # What is moved goes to the log first; on a full disk a few pages at a time.
                if pages == _FEW_PAGES:
                    raise
                pages = _FEW_PAGES
                continue
            advance()
            before, left = left, self._free_pages()
            if left >= before:
                break  # a file that was written anew keeps them, or others free as many
        busy, _, _ = self._db.maintain("PRAGMA wal_checkpoint(TRUNCATE)")[0]
        return not busy

    def footprint(self) -> int:
        """Return the bytes of the file once the log is merged into it."""
        pages, size = self._db.rows("SELECT * FROM pragma_page_count, pragma_page_size")[0]
        return int(pages) * int(size)

    def reset_index(self) -> None:
        """Make the tables of packs anew."""
        from aivcs.adapters.sqlite.packindex import reset

        reset(self._db)

    def _free_pages(self) -> int:
        return int(self._db.rows("PRAGMA freelist_count")[0][0])

    def _dead(self) -> list[int]:
        return leases.dead(self._locks, self._db.rows("SELECT id, token FROM leases"))

    def _dead_text(self) -> str:
        return f"[{','.join(map(str, self._dead()))}]"
