"""How each part of a batch becomes rows; called inside the write transaction only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.adapters.sqlite import bulk
from aivcs.adapters.sqlite import log_rows as rows
from aivcs.adapters.sqlite.checksum import checksum
from aivcs.domain import jsontext
from aivcs.domain.append import check_complete, plan
from aivcs.domain.moment import to_micros
from aivcs.domain.run import RunStatus, check_move
from aivcs.domain.stream import Family
from aivcs.errors import ConflictError, InvalidRunState, RunNotFound, SpecNotFound

if TYPE_CHECKING:
    from collections.abc import Iterable

    import apsw

    from aivcs.domain.batch import Append, Draft, EndRun, Expiry, NewRun, NewSpec, Reference
    from aivcs.domain.stream import Entry, Stream

_STREAM: Final = "SELECT id, size, status FROM streams WHERE family = ? AND name = ?"
_INSERT_ENTRY: Final = """
INSERT INTO entries (stream, seq, kind, timestamp, recorded_at, body, object, checksum)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_INSERT_EARLY: Final = _INSERT_ENTRY.replace("INTO entries", "INTO early")


def run_not_found(run_id: str) -> RunNotFound:
    """Return the error for a run that does not exist."""
    return RunNotFound(f"no run {run_id}", hint="'aivcs run list' lists the runs")


def put_spec(db: apsw.Connection, spec: NewSpec) -> None:
    """Insert an annotation unless the newest one of this digest says the same."""
    known = db.execute(
        f"SELECT {rows.SPEC} FROM specs WHERE digest = ? ORDER BY id DESC LIMIT 1",
        (spec.digest.raw,),
    ).fetchone()
    values = (spec.name, spec.git_sha, spec.dirty, rows.raw(spec.manifest))
    if known is not None and tuple(known[1:5]) == values:
        return
    cells = (spec.digest.raw, *values, to_micros(spec.created_at))
    db.execute(
        f"INSERT INTO specs ({rows.SPEC}) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (*cells, checksum(*cells)),
    )


def create_run(db: apsw.Connection, run: NewRun) -> None:
    """Insert a run and its empty stream."""
    if db.execute("SELECT 1 FROM specs WHERE digest = ?", (run.spec_digest.raw,)).get is None:
        msg = f"no spec {run.spec_digest}"
        raise SpecNotFound(msg, hint="add it first: 'aivcs spec add'")
    if db.execute(_STREAM, (Family.RUN, run.run_id)).fetchone() is not None:
        msg = f"there is a run {run.run_id} already"
        raise ConflictError(msg, hint="choose another id")
    source = run.source
    if source is not None:
        taken = db.execute(
            "SELECT s.name FROM runs r JOIN streams s ON s.id = r.stream"
            " WHERE r.source = ? AND r.source_index = ?",
            (source.digest.raw, source.index),
        ).get
        if taken is not None:
            msg = f"run {taken} was recorded from {source.digest.short()}#{source.index} already"
            raise ConflictError(msg, hint=f"'aivcs run show {taken}'")
    db.execute(
        "INSERT INTO streams (family, name, status) VALUES (?, ?, ?)",
        (Family.RUN, run.run_id, RunStatus.RUNNING),
    )
    seen = run.metadata.environment
    cells = (
        run.spec_digest.raw,
        run.metadata.agent_name,
        jsontext.encode(run.metadata.tags),
        run.metadata.git_sha,
        None if seen is None else jsontext.encode(dict(seen)),
        to_micros(run.created_at),
        None if source is None else source.digest.raw,
        None if source is None else source.index,
        None if source is None else source.format,
    )
    db.execute(
        "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (db.last_insert_rowid(), *cells, checksum(*cells)),
    )


def _head(db: apsw.Connection, family: Family, name: str) -> tuple[int, Stream]:
    row = db.execute(_STREAM, (family, name)).fetchone()
    if row is None and family is Family.RUN:
        raise run_not_found(name)
    if row is None:
        db.execute("INSERT INTO streams (family, name) VALUES (?, ?)", (family, name))
        row = (db.last_insert_rowid(), 0, None)
    stream, size, status = row
    return stream, rows.stream((family, name, size, status))


def _waiting(db: apsw.Connection, stream: int) -> dict[int, Draft]:
    found = db.execute(
        f"SELECT {rows.ENTRY} FROM early WHERE stream = ? ORDER BY seq",
        (stream,),
    )
    return {row[0]: rows.draft(row) for row in found}


def append(db: apsw.Connection, wanted: Append) -> tuple[int, ...]:
    """Append to a stream as the plan says; return the drafts' seqs."""
    stream, head = _head(db, wanted.family, wanted.name)

    def stored(seq: int) -> Entry:
        row = db.execute(
            f"SELECT {rows.ENTRY} FROM entries WHERE stream = ? AND seq = ?",
            (stream, seq),
        ).fetchone()
        return rows.entry(row or ())

    steps = plan(head, wanted, _waiting(db, stream), stored)
    if steps.dense:
        db.execute(
            "UPDATE streams SET size = ? WHERE id = ? AND size = ? AND status IS ?",
            (steps.dense[-1][0], stream, head.size, head.status),
        )
        if db.changes() != 1:
            msg = f"{wanted.family.value} {wanted.name} moved while it was appended to"
            raise ConflictError(msg, hint="read it again, then retry")
        db.executemany(_INSERT_ENTRY, (rows.entry_row(stream, seq, d) for seq, d in steps.dense))
    if steps.released:
        done = [(stream, seq) for seq in steps.released]
        db.executemany("DELETE FROM early WHERE stream = ? AND seq = ?", done)
    if steps.early:
        db.executemany(_INSERT_EARLY, (rows.entry_row(stream, seq, d) for seq, d in steps.early))
    return steps.seqs


def refer(db: apsw.Connection, references: Iterable[Reference]) -> None:
    """Insert references that are not there yet."""
    streams: dict[str | None, int | None] = {None: None}
    cells: list[tuple[bytes, str, int | None]] = []
    for reference in references:
        run_id = reference.run_id
        if run_id is not None and run_id not in streams:
            streams[run_id], _ = _head(db, Family.RUN, run_id)
        cells.append((reference.digest.raw, reference.role, streams[run_id]))
    bulk.insert(db, "INSERT INTO refs (digest, role, stream)", cells)


def end_run(db: apsw.Connection, end: EndRun) -> None:
    """Make a terminal move."""
    stream, head = _head(db, Family.RUN, end.run_id)
    check_move(end.run_id, head.status or RunStatus.RUNNING, end.status)
    if end.status is RunStatus.COMPLETED:
        check_complete(head, _waiting(db, stream))
    final, completed_at = rows.raw(end.final_state), to_micros(end.completed_at)
    cells = (end.success, end.duration_ms, final, completed_at, end.reason)
    db.execute("INSERT INTO ends VALUES (?, ?, ?, ?, ?, ?, ?)", (stream, *cells, checksum(*cells)))
    db.execute(
        "UPDATE streams SET status = ? WHERE id = ? AND status = ?",
        (end.status, stream, RunStatus.RUNNING),
    )


def expire(db: apsw.Connection, expiry: Expiry) -> None:
    """Insert the row that lets go of what a run made, unless it is there."""
    stream, head = _head(db, Family.RUN, expiry.run_id)
    if head.status is RunStatus.RUNNING:
        msg = f"run {expiry.run_id} is RUNNING and needs what it made"
        raise InvalidRunState(msg, hint="only a run that has ended expires")
    if db.execute("SELECT 1 FROM expired WHERE stream = ?", (stream,)).get is None:
        cells = (stream, to_micros(expiry.expired_at))
        db.execute("INSERT INTO expired VALUES (?, ?, ?)", (*cells, checksum(*cells)))
