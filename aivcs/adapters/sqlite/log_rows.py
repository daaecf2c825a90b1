"""From the ledger's rows of runs, logs, specs and references to values and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aivcs.adapters.sqlite.checksum import check, checksum
from aivcs.adapters.sqlite.rows import decoding
from aivcs.domain import jsontext
from aivcs.domain.batch import Draft, NewSpec, Reference, Role, Surveyed
from aivcs.domain.digest import Digest
from aivcs.domain.moment import from_micros, to_micros
from aivcs.domain.run import RunId, RunMetadata, RunRecord, RunStatus, RunSummary, Source
from aivcs.domain.stored import Tier
from aivcs.domain.stream import Entry, Family, Stream
from aivcs.errors import CorruptionError

if TYPE_CHECKING:
    from aivcs.adapters.sqlite.rows import Row

ENTRY: Final = "seq, kind, timestamp, recorded_at, body, object, checksum"
RUN: Final = """
SELECT CAST(s.name AS BLOB), CAST(s.status AS BLOB), CAST(r.agent AS BLOB),
  CAST(r.tags AS BLOB), CAST(r.git_sha AS BLOB), CAST(r.environment AS BLOB),
  CAST(r.source_format AS BLOB), CAST(e.reason AS BLOB),
  s.size, r.spec, r.created_at, r.source, r.source_index, r.checksum,
  e.success, e.duration_ms, e.final_state, e.completed_at, e.checksum,
  x.stream, x.expired_at, x.checksum
FROM streams s JOIN runs r ON r.stream = s.id LEFT JOIN ends e ON e.stream = s.id
  LEFT JOIN expired x ON x.stream = s.id
"""
"""Texts come as bytes, so that one that is not UTF-8 spoils its own row only."""
SPEC: Final = "digest, name, git_sha, dirty, manifest, created_at, checksum"


def digest(raw: bytes | None) -> Digest | None:
    """Return the digest of a nullable column."""
    return None if raw is None else Digest(raw)


def raw(found: Digest | None) -> bytes | None:
    """Return the nullable column of a digest."""
    return None if found is None else found.raw


@decoding
def entry(row: Row) -> Entry:
    """Return the entry of a row of ENTRY's columns."""
    seq, kind, timestamp, recorded_at, body, large, sealed = row
    check(sealed, *row[:-1])
    return Entry(seq, kind, body, digest(large), from_micros(timestamp), from_micros(recorded_at))


@decoding
def draft(row: Row) -> Draft:
    """Return the early entry of a row of ENTRY's columns."""
    seq, kind, timestamp, recorded_at, body, large, sealed = row
    check(sealed, *row[:-1])
    return Draft(kind, body, digest(large), from_micros(timestamp), from_micros(recorded_at), seq)


def entry_row(stream: int, seq: int, new: Draft) -> tuple[object, ...]:
    """Return the bindings that insert a draft under ``seq``."""
    times = to_micros(new.timestamp), to_micros(new.recorded_at)
    cells = (seq, new.kind, *times, new.body, raw(new.object))
    return (stream, *cells, checksum(*cells))


def run(row: Row) -> RunRecord:
    """Return the run of a row of the RUN query; CorruptionError names a run it cannot be."""
    try:
        return _run(row)
    except (ValueError, TypeError, OverflowError, CorruptionError) as error:
        name = row[0].decode(errors="backslashreplace")
        msg = f"run {name} cannot be read: {error}"
        raise CorruptionError(msg, hint="restore the ledger from a copy") from error


def _run(row: Row) -> RunRecord:
    texts: list[Any] = [None if cell is None else cell.decode() for cell in row[:8]]
    name, status, agent, tags, git_sha, environment, source_format, reason = texts
    size, spec, created_at, source, index, sealed = row[8:14]
    success, duration_ms, final, completed_at, end_sealed = row[14:19]
    stream_id, expired_at, expiry_sealed = row[19:]
    place = source, index, source_format
    check(sealed, spec, agent, tags, git_sha, environment, created_at, *place)
    if completed_at is not None:
        check(end_sealed, success, duration_ms, final, completed_at, reason)
    if expired_at is not None:
        check(expiry_sealed, stream_id, expired_at)
    seen = None if environment is None else jsontext.decode(environment)
    if not (seen is None or isinstance(seen, dict)):
        msg = "its environment is not an object"
        raise CorruptionError(msg)
    ended = completed_at is not None
    return RunRecord(
        run_id=RunId(name),
        spec_digest=Digest(spec),
        metadata=RunMetadata(
            agent_name=agent,
            git_sha=git_sha,
            tags=jsontext.decode(tags),
            environment=seen,
        ),
        status=RunStatus(status),
        summary=RunSummary(size, digest(final), duration_ms, bool(success)) if ended else None,
        created_at=from_micros(created_at),
        completed_at=from_micros(completed_at) if ended else None,
        total_events=size,
        reason=reason,
        source=None if source is None else Source(Digest(source), index, source_format),
        expired_at=None if expired_at is None else from_micros(expired_at),
    )


@decoding
def spec(row: Row) -> NewSpec:
    """Return the annotation of a row of SPEC's columns."""
    found, name, git_sha, dirty, manifest, created_at, sealed = row
    check(sealed, *row[:-1])
    return NewSpec(
        Digest(found),
        name,
        git_sha,
        None if dirty is None else bool(dirty),
        digest(manifest),
        from_micros(created_at),
    )


@decoding
def surveyed(row: Row) -> Surveyed:
    """Return what a row of the survey says."""
    found, tier, size, stored_bytes, named, held, in_pack = row
    return Surveyed(
        Digest(found), Tier(tier), size, stored_bytes, bool(named), bool(held), digest(in_pack)
    )


@decoding
def stream(row: Row) -> Stream:
    """Return the head of a row (family, name, size, status)."""
    family, name, size, status = row
    return Stream(Family(family), name, size, None if status is None else RunStatus(status))


@decoding
def reference(row: Row) -> Reference:
    """Return the reference of a row (digest, role, run's id or NULL)."""
    found, role, name = row
    return Reference(Digest(found), Role(role), name)
