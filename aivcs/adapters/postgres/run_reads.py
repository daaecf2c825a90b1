"""The part of the Ledger that reads streams, runs and specs."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from aivcs.adapters.postgres.appending import run_not_found
from aivcs.adapters.postgres.run_rows import RUN
from aivcs.domain import log_rows
from aivcs.errors import CorruptionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aivcs.adapters.postgres.database import Database
    from aivcs.domain.digest import Digest
    from aivcs.domain.log_writes import NewSpec
    from aivcs.domain.rows import Row
    from aivcs.domain.run import RunRecord, Source
    from aivcs.domain.stream import Entry, Family, Released, RunQuery, Sealing, Stream

_PAGE: Final = 1000
_STREAM_ID: Final = "(SELECT id FROM streams WHERE family = %(family)s AND name = %(name)s)"


class RunReads:
    """Logs, runs and the annotations of specs."""

    _db: Database

    def stream(self, family: Family, name: str) -> Stream | None:
        """Return the head of a stream."""
        place = family.value, name
        found = self._db.search(f"{log_rows.STREAM} WHERE s.family = %s AND s.name = %s", place)
        return log_rows.stream(found[0]) if found else None

    def streams(self, family: Family) -> list[Stream]:
        """Return the heads of a family, by name."""
        sql = f"{log_rows.STREAM} WHERE s.family = %s ORDER BY s.name"
        return [log_rows.stream(row) for row in self._db.rows(sql, (family.value,))]

    def names(self, family: Family) -> list[str]:
        """Return the names of a family, in order."""
        sql = "SELECT name FROM streams WHERE family = %s ORDER BY name"
        return [row[0] for row in self._db.rows(sql, (family.value,))]

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
        columns, read = log_rows.columns(family)
        order, beyond, mark = ("DESC", "<", 2**53) if newest_first else ("ASC", ">", after)
        sql = (
            f"SELECT {columns} FROM entries WHERE stream = {_STREAM_ID}"
            f" AND seq > %(after)s AND seq {beyond} %(mark)s ORDER BY seq {order} LIMIT %(size)s"
        )
        left = limit
        place = {"family": family.value, "name": name, "after": after}
        while left is None or left > 0:
            size = _PAGE if left is None else min(_PAGE, left)
            with _naming(f"{family.value} {name}"):
                page = self._db.search(sql, {**place, "mark": mark, "size": size})
                yield from map(read, page)
            if len(page) < size:
                return
            mark = page[-1][0]
            left = None if left is None else left - len(page)

    def stored_rows(
        self, family: Family, name: str, *, after: int = 0, limit: int | None = None
    ) -> Iterator[Sequence[Row]]:
        """Yield the rows of a log a page at a time; each page is one short read."""
        sql = (
            f"SELECT {log_rows.ENTRY} FROM entries WHERE stream = {_STREAM_ID}"
            " AND seq > %(mark)s ORDER BY seq LIMIT %(size)s"
        )
        mark, left = after, limit
        place = {"family": family.value, "name": name}
        while left is None or left > 0:
            size = _PAGE if left is None else min(_PAGE, left)
            with _naming(f"{family.value} {name}"):
                page = self._db.search(sql, {**place, "mark": mark, "size": size})
            if page:
                yield page
            if len(page) < size:
                return
            mark = page[-1][0]
            left = None if left is None else left - len(page)

    def waiting(self, run_id: str) -> Mapping[int, Entry]:
        """Return the early entries of a run."""
        with _naming(f"run {run_id}"):
            found = self._db.search(
                f"SELECT {log_rows.ENTRY} FROM early WHERE stream = {_STREAM_ID} ORDER BY seq",
                {"family": "run", "name": run_id},
            )
        return {row[0]: log_rows.entry(row) for row in found}

    def run(self, run_id: str) -> RunRecord | None:
        """Return a run."""
        found = self._db.search(f"{RUN} WHERE s.family = 'run' AND s.name = %s", (run_id,))
        return log_rows.run(found[0]) if found else None

    def run_from(self, source: Source) -> RunRecord | None:
        """Return the run that was recorded from a source."""
        place = source.digest.raw, source.index
        found = self._db.rows(f"{RUN} WHERE r.source = %s AND r.source_index = %s", place)
        return log_rows.run(found[0]) if found else None

    def runs(self, query: RunQuery) -> list[RunRecord]:
        """Return runs, newest first."""
        parts: list[tuple[str, object]] = []
        if query.after is not None:
            mark = self._db.search(
                "SELECT id FROM streams WHERE family = 'run' AND name = %s", (query.after,)
            )
            if not mark:
                raise run_not_found(query.after)
            parts.append(("s.id < %s", mark[0][0]))
        if query.spec_digest is not None:
            parts.append(("r.spec = %s", query.spec_digest.raw))
        if query.agent is not None:
            parts.append(("r.agent = %s", query.agent))
        if query.git_sha is not None:
            parts.append(("r.git_sha = %s", query.git_sha))
        if query.status is not None:
            parts.append(("s.status = %s", query.status.value))
        if query.tenant is not None:
            parts.append(("r.tenant = %s", query.tenant))
        where = f"WHERE {' AND '.join(part for part, _ in parts)}" if parts else ""
        found = self._db.search(
            f"{RUN} {where} ORDER BY s.id DESC LIMIT %s OFFSET %s",
            (*(value for _, value in parts), query.limit, query.offset),
        )
        return [log_rows.run(row) for row in found]

    def run_ids(self, prefix: str, limit: int) -> list[str]:
        """Return run ids by prefix."""
        found = self._db.search(
            "SELECT name FROM streams WHERE family = 'run' AND starts_with(name, %s)"
            " ORDER BY id LIMIT %s",
            (prefix, limit),
        )
        return [row[0] for row in found]

    def seals(self, after: int = 0, limit: int = 1000) -> list[Sealing]:
        """Return seals in the order of ending."""
        found = self._db.rows(
            "SELECT l.id, s.name, l.hash FROM seals l JOIN streams s ON s.id = l.stream"
            " WHERE l.id > %s ORDER BY l.id LIMIT %s",
            (after, limit),
        )
        return [log_rows.sealing(row) for row in found]

    def seals_of(self, run_ids: Sequence[str]) -> Mapping[str, Sealing]:
        """Return the seals of some runs."""
        found = self._db.search(
            "SELECT l.id, s.name, l.hash FROM streams s JOIN seals l ON l.stream = s.id"
            " WHERE s.family = 'run' AND s.name = ANY(%s)",
            (list(run_ids),),
        )
        return {row[1]: log_rows.sealing(row) for row in found}

    def release_log(self, after: int = 0, limit: int = 1000) -> list[Released]:
        """Return the log of all releases."""
        sql = f"{log_rows.RELEASE_LOG} WHERE l.id > %s ORDER BY l.id LIMIT %s"
        with _naming("the log of releases"):
            return [log_rows.released(row) for row in self._db.rows(sql, (after, limit))]

    def specs(self, digest: Digest | None = None) -> list[NewSpec]:
        """Return annotations, newest first."""
        where, bindings = ("WHERE s.digest = %s", (digest.raw,)) if digest else ("", ())
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
