"""From the ledger's rows to values and back."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from aivcs.domain import jsontext
from aivcs.domain.batch import (
    Codec,
    Draft,
    Entry,
    Family,
    NewSpec,
    Reference,
    Role,
    StoredObject,
    Stream,
)
from aivcs.domain.digest import Digest
from aivcs.domain.moment import from_micros, to_micros
from aivcs.domain.run import RunId, RunMetadata, RunRecord, RunStatus, RunSummary, Source
from aivcs.errors import CorruptionError

if TYPE_CHECKING:
    from collections.abc import Callable

ENTRY: Final = "seq, kind, body, object, timestamp, recorded_at"
RUN: Final = """
SELECT s.id, s.name, s.size, s.status, r.spec, r.agent, r.tags, r.git_sha, r.environment,
  r.created_at, r.source, r.source_index, r.source_format,
  e.success, e.duration_ms, e.final_state, e.completed_at, e.reason
FROM streams s JOIN runs r ON r.stream = s.id LEFT JOIN ends e ON e.stream = s.id
"""
SPEC: Final = "digest, name, git_sha, dirty, manifest, created_at"


T = TypeVar("T")
Row: TypeAlias = tuple[Any, ...]


def _decoding(make: Callable[[Row], T]) -> Callable[[Row], T]:
    """Raise what a value of a row cannot be as CorruptionError: somebody edited the file."""

    @wraps(make)
    def made(row: Row) -> T:
        try:
            return make(row)
        except (ValueError, TypeError, OverflowError) as error:
            msg = f"a row of the ledger is no {make.__name__}: {error} (it begins {row[:2]})"
            raise CorruptionError(msg, hint="restore the file from a copy") from error

    return made


def digest(raw: bytes | None) -> Digest | None:
    """Return the digest of a nullable column."""
    return None if raw is None else Digest(raw)


def raw(found: Digest | None) -> bytes | None:
    """Return the nullable column of a digest."""
    return None if found is None else found.raw


@_decoding
def entry(row: Row) -> Entry:
    """Return the entry of a row of ENTRY's columns."""
    seq, kind, body, large, timestamp, recorded_at = row
    return Entry(seq, kind, body, digest(large), from_micros(timestamp), from_micros(recorded_at))


@_decoding
def draft(row: Row) -> Draft:
    """Return the early entry of a row of ENTRY's columns."""
    seq, kind, body, large, timestamp, recorded_at = row
    return Draft(kind, body, digest(large), from_micros(timestamp), from_micros(recorded_at), seq)


def entry_row(stream: int, seq: int, new: Draft) -> tuple[object, ...]:
    """Return the bindings that insert a draft under ``seq``."""
    return (
        stream,
        seq,
        new.kind,
        to_micros(new.timestamp),
        to_micros(new.recorded_at),
        new.body,
        raw(new.object),
    )


@_decoding
def run(row: Row) -> RunRecord:
    """Return the run of a row of the RUN query."""
    (_, name, size, status, spec, agent, tags, git_sha, environment, created_at) = row[:10]
    (source, index, source_format, success, duration_ms, final, completed_at, reason) = row[10:]
    seen = None if environment is None else jsontext.decode(environment)
    ended = completed_at is not None
    return RunRecord(
        run_id=RunId(name),
        spec_digest=Digest(spec),
        metadata=RunMetadata(
            agent_name=agent,
            git_sha=git_sha,
            tags=jsontext.decode(tags),
            environment=seen if isinstance(seen, dict) else None,
        ),
        status=RunStatus(status),
        summary=RunSummary(size, digest(final), duration_ms, bool(success)) if ended else None,
        created_at=from_micros(created_at),
        completed_at=from_micros(completed_at) if ended else None,
        total_events=size,
        reason=reason,
        source=None if source is None else Source(Digest(source), index, source_format),
    )


@_decoding
def spec(row: Row) -> NewSpec:
    """Return the annotation of a row of SPEC's columns."""
    found, name, git_sha, dirty, manifest, created_at = row
    return NewSpec(
        Digest(found),
        name,
        git_sha,
        None if dirty is None else bool(dirty),
        digest(manifest),
        from_micros(created_at),
    )


@_decoding
def stored(row: Row) -> StoredObject:
    """Return the object of a row (digest, size, codec, data)."""
    found, size, codec, data = row
    return StoredObject(Digest(found), size, Codec(codec), data)


@_decoding
def stream(row: Row) -> Stream:
    """Return the head of a row (family, name, size, status)."""
    family, name, size, status = row
    return Stream(Family(family), name, size, None if status is None else RunStatus(status))


@_decoding
def reference(row: Row) -> Reference:
    """Return the reference of a row (digest, role, run's id or NULL)."""
    found, role, name = row
    return Reference(Digest(found), Role(role), name)
