"""How each part of a batch becomes rows; called inside the write transaction only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aivcs.adapters.sqlite import surroundings
from aivcs.adapters.sqlite.appending import head
from aivcs.domain import jsontext, log_rows
from aivcs.domain.checksum import checksum
from aivcs.domain.moment import to_micros
from aivcs.domain.run import RunStatus, check_beginning
from aivcs.domain.stream import Family
from aivcs.errors import ConflictError, InvalidRunState, SpecNotFound

if TYPE_CHECKING:
    import apsw

    from aivcs.domain.log_writes import Expiry, NewRun, NewSpec


def put_spec(db: apsw.Connection, spec: NewSpec) -> None:
    """Insert an annotation unless the newest one of this digest says the same."""
    known = db.execute(
        f"{log_rows.SPECS} WHERE s.digest = ? ORDER BY s.id DESC LIMIT 1",
        (spec.digest.raw,),
    ).fetchone()
    if known is not None and log_rows.says(known, spec):
        return
    values = (spec.name, spec.git_sha, spec.dirty, log_rows.raw(spec.manifest))
    cells = (spec.digest.raw, *values, to_micros(spec.created_at))
    db.execute(
        f"INSERT INTO specs ({log_rows.SPEC}) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (*cells, checksum(*cells)),
    )
    if (seen := log_rows.surroundings(spec)) is not None:
        surroundings.put(db, db.last_insert_rowid(), seen)


def create_run(db: apsw.Connection, run: NewRun) -> None:
    """Insert a run and its empty stream."""
    check_beginning(run)
    spec = log_rows.raw(run.spec_digest)
    if spec and db.execute("SELECT 1 FROM specs WHERE digest = ?", (spec,)).get is None:
        msg = f"no spec {run.spec_digest}"
        raise SpecNotFound(msg, hint="add it first: 'aivcs spec add'")
    named = "SELECT 1 FROM streams WHERE family = 'run' AND name = ?"
    if db.execute(named, (run.run_id,)).get is not None:
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
        "INSERT INTO streams (family, name, state) VALUES (?, ?, ?)",
        (Family.RUN, run.run_id, run.state),
    )
    seen = run.metadata.environment
    cells = (
        spec,
        run.metadata.agent_name,
        run.tenant,
        jsontext.encode(run.metadata.tags),
        run.metadata.git_sha,
        None if seen is None else jsontext.encode(dict(seen)),
        to_micros(run.created_at),
        None if source is None else source.digest.raw,
        None if source is None else source.index,
        None if source is None else source.format,
    )
    db.execute(
        "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (db.last_insert_rowid(), *cells, checksum(*cells)),
    )


def expire(db: apsw.Connection, expiry: Expiry) -> None:
    """Insert the row that lets go of what a run made, unless it is there."""
    stream, found = head(db, Family.RUN, expiry.run_id)
    if found.status is RunStatus.RUNNING:
        msg = f"run {expiry.run_id} is RUNNING and needs what it made"
        raise InvalidRunState(msg, hint="only a run that has ended expires")
    if db.execute("SELECT 1 FROM expired WHERE stream = ?", (stream,)).get is None:
        cells = (stream, to_micros(expiry.expired_at))
        db.execute("INSERT INTO expired VALUES (?, ?, ?)", (*cells, checksum(*cells)))
