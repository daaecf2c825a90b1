"""How entries enter a log; called inside a transaction that writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.adapters.postgres import locks, numbering
from aivcs.domain import log_rows
from aivcs.domain.append import check_tenant, plan
from aivcs.domain.repetition import check_key, repeated
from aivcs.domain.stream import Family
from aivcs.errors import RunNotFound

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aivcs.adapters.postgres.session import Session
    from aivcs.domain.append import Plan
    from aivcs.domain.log_writes import Append
    from aivcs.domain.rows import Row
    from aivcs.domain.stream import Entry, Stream

# Whoever has the row's lock is alone in its log until his transaction ends. Keys that refer
# to the row may still be added.
_LOCK: Final = "FOR NO KEY UPDATE OF s"
_STREAM: Final = f"{log_rows.STREAM} WHERE s.family = %s AND s.name = %s {_LOCK}"
_BEGIN: Final = "INSERT INTO streams (family, name) VALUES (%s, %s) ON CONFLICT DO NOTHING"
_LOCK_MANY: Final = """
SELECT 1 FROM streams WHERE (family, name) IN (SELECT * FROM unnest(%s::text[], %s::text[]))
ORDER BY family, name FOR NO KEY UPDATE
"""
_EARLY: Final = f"SELECT {log_rows.ENTRY} FROM early WHERE stream = "
_WAITING: Final = f"{_EARLY} %s ORDER BY seq"
_WAITING_AT: Final = f"""
{_EARLY} (SELECT id FROM streams WHERE family = %s AND name = %s) ORDER BY seq
"""
_SOME: Final = (
    f"SELECT {log_rows.ENTRY} FROM entries WHERE stream = %s AND seq BETWEEN %s AND %s ORDER BY seq"
)
_INSERT: Final = """
INSERT INTO {0} (stream, seq, kind, timestamp, recorded_at, body, object, salt, checksum)
SELECT {1} FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::bigint[], %s::bigint[],
  %s::text[], %s::bytea[], %s::bytea[], %s::bytea[])
  AS w (stream, seq, kind, timestamp, recorded_at, body, object, salt, checksum)
ORDER BY stream, seq
"""
_COLUMNS: Final = "stream, seq, kind, timestamp, recorded_at, body, object, salt, checksum"
INSERT_ENTRIES: Final = _INSERT.format("entries", _COLUMNS)
_INSERT_EARLY: Final = _INSERT.format("early", _COLUMNS)
_INSERT_ENTRY: Final = """
INSERT INTO entries (stream, seq, kind, timestamp, recorded_at, body, object, salt, checksum)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_GROW: Final = """
UPDATE streams SET size = %s, frontier = %s, state = %s, wait = %s
WHERE id = %s AND size = %s AND epoch = %s
"""


def run_not_found(run_id: str) -> RunNotFound:
    """Return the error for a run that does not exist."""
    return RunNotFound(f"no run {run_id}", hint="'aivcs run list' lists the runs")


def lock(db: Session, appends: Sequence[Append]) -> None:
    """Lock several logs in one order, so that two who write both never wait in a circle.

    Before them the log of all releases, where one of them enters it.
    """
    if any(wanted.family is Family.RELEASE for wanted in appends):
        numbering.lock(db)
    places = sorted({(wanted.family.value, wanted.name) for wanted in appends})
    if len(places) > 1:
        locks.turns(db, places)
        db.rows(_LOCK_MANY, tuple(map(list, zip(*places, strict=True))))


def head(db: Session, family: Family, name: str) -> tuple[int, Stream]:
    """Return a stream's number and head, locked until the transaction ends.

    A release log begins here; RunNotFound for a run.
    """
    place = family.value, name
    locks.turns(db, [place])
    return _headed(db, place, db.rows(_STREAM, place))


def whole_head(db: Session, family: Family, name: str) -> tuple[int, Stream, dict[int, Entry]]:
    """Return what ``head`` does and the early entries by seq, in one round trip."""
    place = family.value, name
    locks.turns(db, [place])
    found, early = db.answers((_STREAM, place), (_WAITING_AT, place))
    return *_headed(db, place, found), _by_seq(early)


def _headed(db: Session, place: locks.Place, found: list[Row]) -> tuple[int, Stream]:
    family, name = place
    if not found and family == Family.RUN:
        raise run_not_found(name)
    if not found:
        db.later(_BEGIN, place)
        found = db.rows(_STREAM, place)
    return found[0][0], log_rows.stream(found[0])


def waiting(db: Session, stream: int) -> dict[int, Entry]:
    """Return the early entries of a stream by seq."""
    return _by_seq(db.rows(_WAITING, (stream,)))


def _by_seq(found: list[Row]) -> dict[int, Entry]:
    return {row[0]: log_rows.entry(row) for row in found}


def append(db: Session, wanted: Append) -> tuple[tuple[int, ...], bool, Sequence[int]]:
    """Append to a stream as the plan says.

    Returns the drafts' seqs, whether its key says that this happened before, and the numbers
    of new releases in the log of all.
    """
    check_key(wanted)
    stream, before, early = whole_head(db, wanted.family, wanted.name)
    check_tenant(before, wanted)

    def some(first: int, last: int) -> Iterator[Entry]:
        return map(log_rows.entry, db.rows(_SOME, (stream, first, last)))

    if wanted.key is not None:
        find = "SELECT seq, count FROM keys WHERE stream = %s AND key = %s"
        for seq, count in db.rows(find, (stream, wanted.key)):
            return repeated(wanted, some(seq, seq + count - 1)), True, ()

    def stored(seq: int) -> Entry:
        return next(some(seq, seq), None) or log_rows.entry(())

    steps = plan(before, wanted, early, stored)
    _follow(db, stream, before, steps)
    if wanted.key is not None:
        cells = (stream, wanted.key, steps.seqs[0], len(steps.seqs))
        db.later("INSERT INTO keys (stream, key, seq, count) VALUES (%s, %s, %s, %s)", cells)
    numbers: Sequence[int] = ()
    if wanted.family is Family.RELEASE:
        numbers = numbering.number(db, stream, (seq for seq, _ in steps.dense))
    return steps.seqs, False, numbers


def _follow(db: Session, stream: int, before: Stream, steps: Plan) -> None:
    """Write what the plan says; a log that did not grow takes no entry, and none is early."""
    *between, (state, wait) = steps.states or ((before.state, before.wait),)
    for passed in between:
        db.later(
            "UPDATE streams SET state = %s, wait = %s WHERE id = %s",
            (*map(_text, passed), stream),
        )
    new, leaves = log_rows.entry_rows(stream, steps.dense)
    if new or steps.states:
        frontier = before.frontier.grown(leaves)
        cells = (frontier.size, frontier.packed(), _text(state), _text(wait))
        db.later(_GROW, (*cells, stream, before.size, before.epoch))
    if len(leaves) == 1:
        db.later(_INSERT_ENTRY, new)
    elif new:
        db.later(INSERT_ENTRIES, entry_columns(new))
    if steps.released:
        db.later(
            "DELETE FROM early WHERE stream = %s AND seq = ANY(%s::bigint[])",
            (stream, list(steps.released)),
        )
    if steps.early:
        later, _ = log_rows.entry_rows(stream, steps.early)
        db.later(_INSERT_EARLY, entry_columns(later))


def _text(value: object) -> str | None:
    # The client would send the name of a member of an enumeration, not its value.
    return None if value is None else str(value)


def entry_columns(cells: Sequence[object]) -> tuple[Sequence[object], ...]:
    """Return the columns of the rows of ``log_rows.entry_rows``."""
    return tuple(cells[at :: log_rows.ROW_CELLS] for at in range(log_rows.ROW_CELLS))
