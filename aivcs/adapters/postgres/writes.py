"""How each part of a batch becomes rows; called inside a transaction that writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.adapters.postgres import locks, surroundings
from aivcs.adapters.postgres.appending import head
from aivcs.domain import jsontext, log_rows
from aivcs.domain.checksum import checksum
from aivcs.domain.moment import to_micros
from aivcs.domain.run import RunStatus, check_beginning
from aivcs.domain.stream import Family
from aivcs.errors import ConflictError, InvalidRunState, SpecNotFound

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aivcs.adapters.postgres.session import Session
    from aivcs.domain.batch import Reference
    from aivcs.domain.log_writes import Expiry, NewRun, NewSpec
    from aivcs.domain.run import Source

_NEWEST: Final = f"{log_rows.SPECS} WHERE s.digest = %s ORDER BY s.id DESC LIMIT 1"
_PUT_SPEC: Final = f"""
INSERT INTO specs ({log_rows.SPEC}) VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING id
"""
_BEGIN: Final = """
INSERT INTO streams (family, name, state) VALUES ('run', %s, %s) ON CONFLICT DO NOTHING
RETURNING id
"""
_RUN: Final = """
INSERT INTO runs VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""
_TAKEN: Final = """
SELECT s.name FROM runs r JOIN streams s ON s.id = r.stream
WHERE r.source = %s AND r.source_index = %s
"""
_REFER: Final = """
INSERT INTO refs (digest, role, stream)
SELECT d, r, s FROM unnest(%s::bytea[], %s::text[], %s::bigint[]) WITH ORDINALITY AS w (d, r, s, n)
ORDER BY n ON CONFLICT DO NOTHING
"""
_EXPIRE: Final = "INSERT INTO expired VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"


def put_spec(db: Session, spec: NewSpec) -> None:
    """Insert an annotation unless the newest one of this digest says the same."""
    if _says(db, spec):
        return
    # Two who add the same at once: the second one looks again when the first has done it.
    db.rows(locks.call("pg_advisory_xact_lock", locks.SPECS))
    if _says(db, spec):
        return
    dirty = None if spec.dirty is None else int(spec.dirty)
    values = (spec.name, spec.git_sha, dirty, log_rows.raw(spec.manifest))
    cells = (spec.digest.raw, *values, to_micros(spec.created_at))
    ((number,),) = db.rows(_PUT_SPEC, (*cells, checksum(*cells)))
    if (seen := log_rows.surroundings(spec)) is not None:
        surroundings.put(db, number, seen)


def _says(db: Session, spec: NewSpec) -> bool:
    newest = db.rows(_NEWEST, (spec.digest.raw,))
    return bool(newest) and log_rows.says(newest[0], spec)


def create_run(db: Session, run: NewRun) -> None:
    """Insert a run and its empty stream."""
    check_beginning(run)
    spec = log_rows.raw(run.spec_digest)
    if spec and not db.rows("SELECT 1 FROM specs WHERE digest = %s LIMIT 1", (spec,)):
        msg = f"no spec {run.spec_digest}"
        raise SpecNotFound(msg, hint="add it first: 'aivcs spec add'")
    found = db.rows(_BEGIN, (run.run_id, run.state.value))
    if not found:
        msg = f"there is a run {run.run_id} already"
        raise ConflictError(msg, hint="choose another id")
    source, seen = run.source, run.metadata.environment
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
    if not db.run(_RUN, (found[0][0], *cells, checksum(*cells))) and source is not None:
        raise _taken(db, source)


def _taken(db: Session, source: Source) -> ConflictError:
    ((taken,),) = db.rows(_TAKEN, (source.digest.raw, source.index))
    msg = f"run {taken} was recorded from {source.digest.short()}#{source.index} already"
    return ConflictError(msg, hint=f"'aivcs run show {taken}'")


def refer(db: Session, references: Iterable[Reference]) -> None:
    """Insert references that are not there yet."""
    streams: dict[str | None, int | None] = {None: None}
    cells: list[tuple[bytes, str, int | None]] = []
    for reference in references:
        run_id = reference.run_id
        if run_id is not None and run_id not in streams:
            streams[run_id], _ = head(db, Family.RUN, run_id)
        cells.append((reference.digest.raw, reference.role.value, streams[run_id]))
    db.run(_REFER, tuple(map(list, zip(*cells, strict=True))))


def expire(db: Session, expiry: Expiry) -> None:
    """Insert the row that lets go of what a run made, unless it is there."""
    stream, found = head(db, Family.RUN, expiry.run_id)
    if found.status is RunStatus.RUNNING:
        msg = f"run {expiry.run_id} is RUNNING and needs what it made"
        raise InvalidRunState(msg, hint="only a run that has ended expires")
    cells = (stream, to_micros(expiry.expired_at))
    db.run(_EXPIRE, (*cells, checksum(*cells)))
