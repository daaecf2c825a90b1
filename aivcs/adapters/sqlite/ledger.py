"""The Ledger port on one SQLite file."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from aivcs.adapters.sqlite import rows, writes
from aivcs.adapters.sqlite.connection import WAIT_SECONDS, Connection
from aivcs.domain.batch import Family, Receipt
from aivcs.errors import CorruptionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from aivcs.domain.batch import (
        Batch,
        Draft,
        Entry,
        NewSpec,
        Reference,
        RunQuery,
        StoredObject,
        Stream,
    )
    from aivcs.domain.digest import Digest
    from aivcs.domain.run import RunRecord, Source

_PAGE: Final = 1000
_MANY: Final = 500
_HOLDERS: Final = """
SELECT DISTINCT 'run ' || s.name || ' (source)' FROM runs r JOIN streams s ON s.id = r.stream
  WHERE r.source = ?1
UNION SELECT 'run ' || s.name || ' (final state)' FROM ends e JOIN streams s ON s.id = e.stream
  WHERE e.final_state = ?1
UNION SELECT s.family || ' ' || s.name || ' #' || e.seq FROM entries e
  JOIN streams s ON s.id = e.stream WHERE e.object = ?1
UNION SELECT 'run ' || s.name || ' #' || e.seq FROM early e
  JOIN streams s ON s.id = e.stream WHERE e.object = ?1
UNION SELECT 'run ' || s.name || ' (' || r.role || ')' FROM refs r
  JOIN streams s ON s.id = r.stream WHERE r.digest = ?1
UNION SELECT 'spec ' || name FROM specs WHERE digest = ?1 OR manifest = ?1
ORDER BY 1 LIMIT 20
"""


class SqliteLedger:
    """Runs, releases, specs and small objects in ``aivcs.db``; see ports.Ledger.

    ``create`` makes the file and its tables; without ``durable`` a power cut may take the
    newest commits (never a part of one).
    """

    def __init__(
        self,
        path: Path,
        *,
        create: bool = False,
        durable: bool = True,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self._db = Connection(path, create=create, durable=durable, wait_seconds=wait_seconds)

    def commit(self, batch: Batch) -> Receipt:
        """Apply a batch in one transaction."""
        final = bool(batch.ends) or any(a.family is Family.RELEASE for a in batch.appends)
        with self._db.writing(durable=final) as db:
            writes.put_objects(db, batch.objects)
            for spec in batch.specs:
                writes.put_spec(db, spec)
            for run in batch.runs:
                writes.create_run(db, run)
            seqs = tuple(writes.append(db, wanted) for wanted in batch.appends)
            for reference in batch.references:
                writes.refer(db, reference)
            for end in batch.ends:
                writes.end_run(db, end)
            for digest in batch.deletions:
                writes.delete_object(db, digest)
        return Receipt(seqs)

    def stream(self, family: Family, name: str) -> Stream | None:
        """Return the head of a stream."""
        found = self._db.rows(
            "SELECT family, name, size, status FROM streams WHERE family = ? AND name = ?",
            (family, name),
        )
        return rows.stream(found[0]) if found else None

    def streams(self, family: Family) -> list[Stream]:
        """Return the heads of a family, by name."""
        found = self._db.rows(
            "SELECT family, name, size, status FROM streams WHERE family = ? ORDER BY name",
            (family,),
        )
        return [rows.stream(row) for row in found]

    def entries(
        self,
        family: Family,
        name: str,
        *,
        after: int = 0,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> Iterator[Entry]:
        """Yield entries a page at a time; each page is one short read."""
        order, beyond, mark = ("DESC", "<", 2**53) if newest_first else ("ASC", ">", after)
        sql = (
            f"SELECT {rows.ENTRY} FROM entries WHERE stream ="
            " (SELECT id FROM streams WHERE family = ? AND name = ?)"
            f" AND seq > ? AND seq {beyond} ? ORDER BY seq {order} LIMIT ?"
        )
        left = limit
        while left is None or left > 0:
            size = _PAGE if left is None else min(_PAGE, left)
            with _naming(f"{family.value} {name}"):
                page = self._db.rows(sql, (family, name, after, mark, size))
            yield from map(rows.entry, page)
            if len(page) < size:
                return
            mark = page[-1][0]
            left = None if left is None else left - len(page)

    def waiting(self, run_id: str) -> Mapping[int, Draft]:
        """Return the early entries of a run."""
        with _naming(f"run {run_id}"):
            found = self._db.rows(
                f"SELECT {rows.ENTRY} FROM early WHERE stream ="
                " (SELECT id FROM streams WHERE family = ? AND name = ?) ORDER BY seq",
                (Family.RUN, run_id),
            )
        return {row[0]: rows.draft(row) for row in found}

    def run(self, run_id: str) -> RunRecord | None:
        """Return a run."""
        found = self._db.rows(f"{rows.RUN} WHERE s.family = 'run' AND s.name = ?", (run_id,))
        return rows.run(found[0]) if found else None

    def run_from(self, source: Source) -> RunRecord | None:
        """Return the run that was recorded from a source."""
        found = self._db.rows(
            f"{rows.RUN} WHERE r.source = ? AND r.source_index = ?",
            (source.digest.raw, source.index),
        )
        return rows.run(found[0]) if found else None

    def runs(self, query: RunQuery) -> list[RunRecord]:
        """Return runs, newest first."""
        parts: list[tuple[str, object]] = []
        if query.after is not None:
            mark = self._db.rows(
                "SELECT id FROM streams WHERE family = 'run' AND name = ?", (query.after,)
            )
            if not mark:
                raise writes.run_not_found(query.after)
            parts.append(("s.id < ?", mark[0][0]))
        if query.spec_digest is not None:
            parts.append(("r.spec = ?", query.spec_digest.raw))
        if query.agent is not None:
            parts.append(("r.agent = ?", query.agent))
        if query.status is not None:
            parts.append(("s.status = ?", query.status))
        where = f"WHERE {' AND '.join(part for part, _ in parts)}" if parts else ""
        limit = -1 if query.limit is None else query.limit
        found = self._db.rows(
            f"{rows.RUN} {where} ORDER BY s.id DESC LIMIT ?",
            (*(value for _, value in parts), limit),
        )
        return [rows.run(row) for row in found]

    def run_ids(self, prefix: str, limit: int) -> list[str]:
        """Return run ids by prefix."""
        found = self._db.rows(
            "SELECT name FROM streams WHERE family = 'run' AND substr(name, 1, ?) = ?"
            " ORDER BY id LIMIT ?",
            (len(prefix), prefix, limit),
        )
        return [row[0] for row in found]

    def specs(self, digest: Digest | None = None) -> list[NewSpec]:
        """Return annotations, newest first."""
        where, bindings = ("WHERE digest = ?", (digest.raw,)) if digest else ("", ())
        found = self._db.rows(
            f"SELECT {rows.SPEC} FROM specs {where} ORDER BY id DESC",
            bindings,
        )
        return [rows.spec(row) for row in found]

    def objects(self, digests: Sequence[Digest]) -> Mapping[Digest, StoredObject]:
        """Return stored objects."""
        result: dict[Digest, StoredObject] = {}
        for start in range(0, len(digests), _MANY):
            some = [digest.raw for digest in digests[start : start + _MANY]]
            marks = ",".join("?" * len(some))
            found = self._db.rows(
                f"SELECT digest, size, codec, data FROM hot WHERE digest IN ({marks})"
                " UNION ALL SELECT digest, size, codec, NULL FROM large"
                f" WHERE digest IN ({marks})",
                (*some, *some),
            )
            result.update((item.digest, item) for item in map(rows.stored, found))
        return result

    def digests(self, *, after: Digest | None = None, limit: int = 1000) -> list[Digest]:
        """Return stored digests in order."""
        mark = after.raw if after else b""
        found = self._db.rows(
            "SELECT digest FROM hot WHERE digest > ?1 UNION"
            " SELECT digest FROM large WHERE digest > ?1 ORDER BY digest LIMIT ?2",
            (mark, limit),
        )
        return [rows.key(row) for row in found]

    def references(self, digest: Digest | None = None) -> list[Reference]:
        """Return explicit references."""
        where, bindings = ("WHERE f.digest = ?", (digest.raw,)) if digest else ("", ())
        found = self._db.rows(
            "SELECT f.digest, f.role, s.name FROM refs f LEFT JOIN streams s ON s.id = f.stream"
            f" {where} ORDER BY f.id",
            bindings,
        )
        return [rows.reference(row) for row in found]

    def holders(self, digest: Digest) -> list[str]:
        """Say which rows name an object."""
        return [row[0] for row in self._db.rows(_HOLDERS, (digest.raw,))]

    def check(self) -> list[str]:
        """Check the file, its tables, and what its rows say together."""
        from aivcs.adapters.sqlite.inspection import inspect

        return inspect(self._db.rows)

    def close(self) -> None:
        """Close the file."""
        self._db.close()


@contextmanager
def _naming(log: str) -> Iterator[None]:
    """Say which log it is whose rows cannot be read."""
    try:
        yield
    except CorruptionError as error:
        msg = f"{log}: {error.message}"
        raise CorruptionError(msg, hint=error.hint) from error
