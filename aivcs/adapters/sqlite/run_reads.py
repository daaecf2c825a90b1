"""The part of the Ledger that reads streams, runs and specs.

What makes their values is loaded when one is asked for: reading objects needs none of it.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from aivcs.errors import CorruptionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aivcs.adapters.sqlite.connection import Connection
    from aivcs.domain.digest import Digest
    from aivcs.domain.log_writes import NewSpec
    from aivcs.domain.rows import Row
    from aivcs.domain.run import RunRecord, Source
    from aivcs.domain.stream import Entry, Family, Released, RunQuery, Sealing, Stream

_PAGE: Final = 1000


class RunReads:
    """Logs, runs and the annotations of specs."""

    _db: Connection

    def stream(self, family: Family, name: str) -> Stream | None:
        """Return the head of a stream."""
        from aivcs.domain import log_rows

        found = self._db.rows(
            f"{log_rows.STREAM} WHERE s.family = ? AND s.name = ?",
            (family, name),
        )
        return log_rows.stream(found[0]) if found else None

    def streams(self, family: Family) -> list[Stream]:
        """Return the heads of a family, by name."""
        from aivcs.domain import log_rows

        found = self._db.rows(
            f"{log_rows.STREAM} WHERE s.family = ? ORDER BY s.name",
            (family,),
        )
        return [log_rows.stream(row) for row in found]

    def names(self, family: Family) -> list[str]:
        """Return the names of a family, in order."""
        found = self._db.rows("SELECT name FROM streams WHERE family = ? ORDER BY name", (family,))
        return [row[0] for row in found]

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
        from aivcs.domain import log_rows

        columns, read = log_rows.columns(family)
        order, beyond, mark = ("DESC", "<", 2**53) if newest_first else ("ASC", ">", after)
        sql = (
            f"SELECT {columns} FROM entries WHERE stream ="
            " (SELECT id FROM streams WHERE family = ? AND name = ?)"
            f" AND seq > ? AND seq {beyond} ? ORDER BY seq {order} LIMIT ?"
        )
        left = limit
        while left is None or left > 0:
            size = _PAGE if left is None else min(_PAGE, left)
            with _naming(f"{family.value} {name}"):
                page = self._db.rows(sql, (family, name, after, mark, size))
                yield from map(read, page)
            if len(page) < size:
                return
            mark = page[-1][0]
            left = None if left is None else left - len(page)

    def stored_rows(
        self, family: Family, name: str, *, after: int = 0, limit: int | None = None
    ) -> Iterator[Sequence[Row]]:
        """Yield the rows of a log a page at a time; each page is one short read."""
        from aivcs.domain import log_rows

        sql = (
            f"SELECT {log_rows.ENTRY} FROM entries WHERE stream ="
            " (SELECT id FROM streams WHERE family = ? AND name = ?)"
            " AND seq > ? ORDER BY seq LIMIT ?"
        )
        mark, left = after, limit
        while left is None or left > 0:
            size = _PAGE if left is None else min(_PAGE, left)
            with _naming(f"{family.value} {name}"):
                page = self._db.rows(sql, (family, name, mark, size))
            if page:
                yield page
            if len(page) < size:
                return
            mark = page[-1][0]
            left = None if left is None else left - len(page)

    def waiting(self, run_id: str) -> Mapping[int, Entry]:
        """Return the early entries of a run."""
        from aivcs.domain import log_rows
        from aivcs.domain.stream import Family

        with _naming(f"run {run_id}"):
            found = self._db.rows(
                f"SELECT {log_rows.ENTRY} FROM early WHERE stream ="
                " (SELECT id FROM streams WHERE family = ? AND name = ?) ORDER BY seq",
                (Family.RUN, run_id),
            )
        return {row[0]: log_rows.entry(row) for row in found}

    def run(self, run_id: str) -> RunRecord | None:
        """Return a run."""
        from aivcs.adapters.sqlite.run_rows import RUN
        from aivcs.domain import log_rows

        found = self._db.rows(f"{RUN} WHERE s.family = 'run' AND s.name = ?", (run_id,))
        return log_rows.run(found[0]) if found else None

    def run_from(self, source: Source) -> RunRecord | None:
        """Return the run that was recorded from a source."""
        from aivcs.adapters.sqlite.run_rows import RUN
        from aivcs.domain import log_rows

        found = self._db.rows(
            f"{RUN} WHERE r.source = ? AND r.source_index = ?",
            (source.digest.raw, source.index),
        )
        return log_rows.run(found[0]) if found else None

    def runs(self, query: RunQuery) -> list[RunRecord]:
        """Return runs, newest first."""
        from aivcs.adapters.sqlite.appending import run_not_found
        from aivcs.adapters.sqlite.run_rows import RUN
        from aivcs.domain import log_rows

        parts: list[tuple[str, object]] = []
        if query.after is not None:
            mark = self._db.rows(
                "SELECT id FROM streams WHERE family = 'run' AND name = ?", (query.after,)
            )
            if not mark:
                raise run_not_found(query.after)
            parts.append(("s.id < ?", mark[0][0]))
        if query.spec_digest is not None:
            parts.append(("r.spec = ?", query.spec_digest.raw))
        if query.agent is not None:
            parts.append(("r.agent = ?", query.agent))
        if query.git_sha is not None:
            parts.append(("r.git_sha = ?", query.git_sha))
        if query.status is not None:
            parts.append(("s.status = ?", query.status))
        if query.tenant is not None:
            parts.append(("r.tenant = ?", query.tenant))
        where = f"WHERE {' AND '.join(part for part, _ in parts)}" if parts else ""
        limit = -1 if query.limit is None else query.limit
        found = self._db.rows(
            f"{RUN} {where} ORDER BY s.id DESC LIMIT ? OFFSET ?",
            (*(value for _, value in parts), limit, query.offset),
        )
        return [log_rows.run(row) for row in found]

    def run_ids(self, prefix: str, limit: int) -> list[str]:
        """Return run ids by prefix."""
        found = self._db.rows(
            "SELECT name FROM streams WHERE family = 'run' AND substr(name, 1, ?) = ?"
            " ORDER BY id LIMIT ?",
            (len(prefix), prefix, limit),
        )
        return [row[0] for row in found]

    def seals(self, after: int = 0, limit: int = 1000) -> list[Sealing]:
        """Return seals in the order of ending."""
        from aivcs.domain import log_rows

        found = self._db.rows(
            "SELECT l.id, s.name, l.hash FROM seals l JOIN streams s ON s.id = l.stream"
            " WHERE l.id > ? ORDER BY l.id LIMIT ?",
            (after, limit),
        )
        return [log_rows.sealing(row) for row in found]

    def seals_of(self, run_ids: Sequence[str]) -> Mapping[str, Sealing]:
        """Return the seals of some runs."""
        from aivcs.domain import log_rows

        sql = (
            "SELECT l.id, s.name, l.hash FROM streams s JOIN seals l ON l.stream = s.id"
            " WHERE s.family = 'run' AND s.name IN (?)"
        )
        found: dict[str, Sealing] = {}
        for start in range(0, len(run_ids), _PAGE):
            some = tuple(run_ids[start : start + _PAGE])
            page = self._db.rows(sql.replace("?", ",".join("?" * len(some))), some)
            found.update((row[1], log_rows.sealing(row)) for row in page)
        return found

    def release_log(self, after: int = 0, limit: int = 1000) -> list[Released]:
        """Return the log of all releases."""
        from aivcs.domain import log_rows

        sql = f"{log_rows.RELEASE_LOG} WHERE l.id > ? ORDER BY l.id LIMIT ?"
        with _naming("the log of releases"):
            return [log_rows.released(row) for row in self._db.rows(sql, (after, limit))]

    def specs(self, digest: Digest | None = None) -> list[NewSpec]:
        """Return annotations, newest first."""
        from aivcs.domain import log_rows

        where, bindings = ("WHERE s.digest = ?", (digest.raw,)) if digest else ("", ())
        found = self._db.rows(f"{log_rows.SPECS} {where} ORDER BY s.id DESC", bindings)
        return [log_rows.spec(row) for row in found]


@contextmanager
def _naming(log: str) -> Iterator[None]:
    """Say which log it is whose rows cannot be read."""
    try:
        yield
    except CorruptionError as error:
        msg = f"{log}: {error.message}"
        raise CorruptionError(msg, hint=error.hint) from error
