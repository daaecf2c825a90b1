"""From a ledger's rows of runs, logs, specs and references in SQL to values and back."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from aivcs.domain import jsontext
from aivcs.domain.batch import Reference, Role
from aivcs.domain.checksum import LENGTH, check, check_equal
from aivcs.domain.commitment import HEAD, stored_leaf
from aivcs.domain.digest import Digest
from aivcs.domain.execution import ExecutionState, WaitReason, status_of
from aivcs.domain.log_writes import NewSpec
from aivcs.domain.merkle import Frontier
from aivcs.domain.moment import from_micros, to_micros
from aivcs.domain.pack_writes import Surveyed
from aivcs.domain.rows import decoding
from aivcs.domain.run import RunId, RunLease, RunMetadata, RunRecord, RunSummary, Source
from aivcs.domain.stored import Tier
from aivcs.domain.stream import Entry, Family, Released, Sealing, Stream
from aivcs.errors import CorruptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aivcs.domain.log_writes import Draft
    from aivcs.domain.rows import Row

ENTRY: Final = "seq, kind, timestamp, recorded_at, body, object, salt, commitment, checksum"
RELEASE: Final = f"""{ENTRY}, (
  SELECT id FROM release_log l WHERE l.stream = entries.stream AND l.seq = entries.seq)
"""  # noqa: S608 - of constants
_LINE: Final = ", ".join(f"e.{column}" for column in ENTRY.split(", "))
RELEASE_LOG: Final = f"""
SELECT l.id, l.announcement, s.name, {_LINE} FROM release_log l
  LEFT JOIN streams s ON s.id = l.stream
  LEFT JOIN entries e ON e.stream = l.stream AND e.seq = l.seq
"""  # noqa: S608 - of constants
STREAM: Final = """
SELECT s.id, s.family, s.name, s.size, s.state, s.wait, s.frontier, s.epoch, s.holder,
  s.deadline, r.tenant
FROM streams s LEFT JOIN runs r ON r.stream = s.id
"""
_TEXTS: Final = (
    "s.name",
    "s.state",
    "s.wait",
    "s.holder",
    "r.agent",
    "r.tenant",
    "r.tags",
    "r.git_sha",
    "r.environment",
    "r.source_format",
    "e.reason",
)
ROW_CELLS: Final = 9
"""How many cells a row of ``entry_rows`` has."""
SPEC: Final = "digest, name, git_sha, dirty, manifest, created_at, checksum"
SPECS: Final = """
SELECT s.digest, s.name, s.git_sha, s.dirty, s.manifest, s.created_at, s.checksum,
  s.id, o.environment, o.checksum
FROM specs s LEFT JOIN surroundings o ON o.spec = s.id
"""


def run_query(as_bytes: str) -> str:
    """Return the query whose rows are runs, without conditions.

    ``as_bytes`` is how this SQL says that a text (``{0}``) comes as bytes: one that is not
    UTF-8 spoils its own row only.
    """
    texts = ", ".join(map(as_bytes.format, _TEXTS))
    return f"""
SELECT {texts},
  s.size, s.epoch, s.deadline,
  r.spec, r.created_at, r.source, r.source_index, r.checksum,
  e.success, e.duration_ms, e.final_state, e.completed_at, e.root, e.checksum,
  x.stream, x.expired_at, x.checksum
FROM streams s JOIN runs r ON r.stream = s.id LEFT JOIN ends e ON e.stream = s.id
  LEFT JOIN expired x ON x.stream = s.id
"""  # noqa: S608 - of constants


def digest(raw: bytes | None) -> Digest | None:
    """Return the digest of a nullable column."""
    return None if raw is None else Digest(raw)


def raw(found: Digest | None) -> bytes | None:
    """Return the nullable column of a digest."""
    return None if found is None else found.raw


def entry(row: Row, number: int | None = None) -> Entry:
    """Return the entry of a row of ENTRY's columns; CorruptionError names a seq it cannot be."""
    try:
        seq, kind, timestamp, recorded_at, body, large, salt, committed, sealed = row
        check_equal(sealed, stored_leaf(*row[:-1])[:LENGTH])
        times = from_micros(timestamp), from_micros(recorded_at)
        return Entry(seq, kind, body, digest(large), *times, salt, committed, number)
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        msg = f"entry {row[0] if row else 'asked for'} cannot be read: {error}"
        raise CorruptionError(msg, hint="restore the file from a copy") from error


def columns(family: Family) -> tuple[str, Callable[[Row], Entry]]:
    """Return which columns of ``entries`` to ask for, and what reads a row of them."""
    return (RELEASE, release) if family is Family.RELEASE else (ENTRY, entry)


def release(row: Row) -> Entry:
    """Return the entry of a row of RELEASE's columns."""
    return entry(row[:-1], row[-1])


def released(row: Row) -> Released:
    """Return the line of a row (number, announcement, agent's name, and ENTRY's columns)."""
    number, announcement, name = row[:3]
    if announcement is not None:
        return Released(number, announcement=announcement)
    return Released(number, name, entry(row[3:], number))


def entry_rows(
    stream: int, items: Iterable[tuple[int, Draft | Entry]]
) -> tuple[list[object], list[bytes]]:
    """Return the bindings that insert drafts under their seqs, and their leaf hashes.

    The bindings of all rows are in one list, ROW_CELLS for each.
    """
    cells: list[object] = []
    leaves: list[bytes] = []
    now, recorded_at = None, 0
    add, head, size = cells.extend, HEAD.pack, LENGTH
    for seq, new in items:
        kind, body, salt, happened = new.kind, new.body, new.salt, new.timestamp
        # All of one call were recorded at one moment.
        if new.recorded_at is not now:
            now = new.recorded_at
            recorded_at = to_micros(now)
        at = recorded_at if happened is now else to_micros(happened)
        if new.object is None and body is not None and salt is not None:
            large, name = None, kind.encode()
            committed = sha256(salt + sha256(body.encode()).digest()).digest()
            leaf = sha256(b"\0" + head(seq, at, recorded_at, len(name)) + name + committed).digest()
        else:
            large = raw(new.object)
            leaf = stored_leaf(seq, kind, at, recorded_at, body, large, salt, None)
        add((stream, seq, kind, at, recorded_at, body, large, salt, leaf[:size]))
        leaves.append(leaf)
    return cells, leaves


def stored_row(found: Entry) -> Row:
    """Return an entry as it is stored, in ENTRY's columns."""
    times = to_micros(found.timestamp), to_micros(found.recorded_at)
    large, salt, kept = raw(found.object), found.salt, found.commitment
    leaf = stored_leaf(found.seq, found.kind, *times, found.body, large, salt, kept)
    return (found.seq, found.kind, *times, found.body, large, salt, kept, leaf[:LENGTH])


def run(row: Row) -> RunRecord:
    """Return the run of a row of a run query; CorruptionError names a run it cannot be."""
    try:
        return _run(row)
    except (ValueError, TypeError, OverflowError, CorruptionError) as error:
        name = row[0].decode(errors="backslashreplace")
        msg = f"run {name} cannot be read: {error}"
        raise CorruptionError(msg, hint="restore the ledger from a copy") from error


def _run(row: Row) -> RunRecord:
    texts: list[Any] = [None if cell is None else cell.decode() for cell in row[:11]]
    name, state, wait, holder, agent, tenant, tags, git_sha, observed = texts[:9]
    source_format, reason = texts[9:]
    size, epoch, deadline, spec, created_at, source, index, sealed = row[11:19]
    success, duration_ms, final, completed_at, root, end_sealed = row[19:25]
    stream_id, expired_at, expiry_sealed = row[25:]
    place = source, index, source_format
    check(sealed, spec, agent, tenant, tags, git_sha, observed, created_at, *place)
    if completed_at is not None:
        check(end_sealed, success, duration_ms, final, completed_at, reason, root)
    if expired_at is not None:
        check(expiry_sealed, stream_id, expired_at)
    ended = completed_at is not None
    return RunRecord(
        run_id=RunId(name),
        spec_digest=digest(spec),
        metadata=RunMetadata(
            agent_name=agent,
            git_sha=git_sha,
            tags=jsontext.decode(tags),
            environment=environment(observed),
        ),
        status=status_of(ExecutionState(state)),
        state=ExecutionState(state),
        summary=RunSummary(size, digest(final), duration_ms, bool(success)) if ended else None,
        created_at=from_micros(created_at),
        completed_at=from_micros(completed_at) if ended else None,
        total_events=size,
        reason=reason,
        source=None if source is None else Source(Digest(source), index, source_format),
        expired_at=None if expired_at is None else from_micros(expired_at),
        tenant=tenant,
        wait=None if wait is None else WaitReason(wait),
        root=root,
        lease=None if holder is None else RunLease(holder, epoch, from_micros(deadline)),
    )


def environment(text: str | None) -> dict[str, Any] | None:
    """Return what was observed, of the text of a nullable column."""
    found = None if text is None else jsontext.decode(text)
    if not (found is None or isinstance(found, dict)):
        msg = "its environment is not an object"
        raise CorruptionError(msg)
    return found


@decoding
def spec(row: Row) -> NewSpec:
    """Return the annotation of a row of SPECS."""
    found, name, git_sha, dirty, manifest, created_at, sealed, number, seen, seen_sealed = row
    check(sealed, *row[:6])
    if seen is not None:
        check(seen_sealed, number, seen)
    return NewSpec(
        Digest(found),
        name,
        git_sha,
        None if dirty is None else bool(dirty),
        digest(manifest),
        from_micros(created_at),
        environment(seen),
    )


def says(row: Row, spec: NewSpec) -> bool:
    """Tell whether a row of SPECS says of a spec what this annotation says."""
    dirty = None if spec.dirty is None else int(spec.dirty)
    cells = (spec.name, spec.git_sha, dirty, raw(spec.manifest))
    return tuple(row[1:5]) == cells and row[8] == surroundings(spec)


def surroundings(spec: NewSpec) -> str | None:
    """Return the environment of an annotation as it is stored."""
    return None if spec.environment is None else jsontext.encode(dict(spec.environment))


@decoding
def surveyed(row: Row) -> Surveyed:
    """Return what a row of the survey says."""
    found, tier, size, stored_bytes, named, held, in_pack = row
    return Surveyed(
        Digest(found), Tier(tier), size, stored_bytes, bool(named), bool(held), digest(in_pack)
    )


@decoding
def stream(row: Row) -> Stream:
    """Return the head of a row of STREAM's columns."""
    _, family, name, size, state, wait, frontier, epoch, holder, deadline, tenant = row
    return Stream(
        Family(family),
        name,
        size,
        None if state is None else ExecutionState(state),
        None if wait is None else WaitReason(wait),
        Frontier.unpacked(size, frontier),
        epoch,
        holder,
        None if deadline is None else from_micros(deadline),
        tenant,
    )


@decoding
def sealing(row: Row) -> Sealing:
    """Return the seal of a row (id, run's name, hash)."""
    return Sealing(*row)


@decoding
def reference(row: Row) -> Reference:
    """Return the reference of a row (digest, role, run's id or NULL)."""
    found, role, name = row
    return Reference(Digest(found), Role(role), name)
