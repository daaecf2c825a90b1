"""How entries enter a log; called inside the write transaction only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.adapters.sqlite import bulk, numbering
from aivcs.domain import log_rows
from aivcs.domain.append import check_tenant, plan
from aivcs.domain.repetition import check_key, repeated
from aivcs.domain.stream import Family
from aivcs.errors import ConflictError, RunNotFound

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import apsw

    from aivcs.domain.append import Plan
    from aivcs.domain.log_writes import Append
    from aivcs.domain.rows import Row
    from aivcs.domain.stream import Entry, Stream

_STREAM: Final = f"{log_rows.STREAM} WHERE s.family = ? AND s.name = ?"
_WAITING: Final = f"SELECT {log_rows.ENTRY} FROM early WHERE stream = ? ORDER BY seq"
_SOME: Final = f"SELECT {log_rows.ENTRY} FROM entries WHERE stream = ? AND seq BETWEEN ? AND ?"
_CELLS: Final = "stream, seq, kind, timestamp, recorded_at, body, object, salt, checksum"
_INTO_ENTRIES: Final = f"INSERT INTO entries ({_CELLS})"
_INTO_EARLY: Final = f"INSERT INTO early ({_CELLS})"
_MOVE: Final = "UPDATE streams SET state = ?, wait = ? WHERE id = ?"
_GROW: Final = """
UPDATE streams SET size = ?, frontier = ? WHERE id = ? AND size = ? AND epoch = ? AND state IS ?
"""


def run_not_found(run_id: str) -> RunNotFound:
    """Return the error for a run that does not exist."""
    return RunNotFound(f"no run {run_id}", hint="'aivcs run list' lists the runs")


def head(db: apsw.Connection, family: Family, name: str) -> tuple[int, Stream]:
    """Return a stream's number and head; a release log begins here, RunNotFound for a run."""
    row = db.execute(_STREAM, (family, name)).fetchone()
    if row is None and family is Family.RUN:
        raise run_not_found(name)
    if row is None:
        db.execute("INSERT INTO streams (family, name) VALUES (?, ?)", (family, name))
        row = db.execute(_STREAM, (family, name)).fetchone()
    found: Row = row or ()
    return found[0], log_rows.stream(found)


def waiting(db: apsw.Connection, stream: int) -> dict[int, Entry]:
    """Return the early entries of a stream by seq."""
    return {row[0]: log_rows.entry(row) for row in db.execute(_WAITING, (stream,))}


def append(db: apsw.Connection, wanted: Append) -> tuple[tuple[int, ...], bool, Sequence[int]]:
    """Append to a stream as the plan says.

    Returns the drafts' seqs, whether its key says that this happened before, and the numbers
    of new releases in the log of all.
    """
    check_key(wanted)
    stream, before = head(db, wanted.family, wanted.name)
    check_tenant(before, wanted)

    def some(first: int, last: int) -> Iterator[Entry]:
        return map(log_rows.entry, db.execute(_SOME, (stream, first, last)))

    if wanted.key is not None:
        find = "SELECT seq, count FROM keys WHERE stream = ? AND key = ?"
        for seq, count in db.execute(find, (stream, wanted.key)):
            return repeated(wanted, some(seq, seq + count - 1)), True, ()

    def stored(seq: int) -> Entry:
        return next(some(seq, seq), None) or log_rows.entry(())

    # Nothing waits in a log of releases.
    early = {} if before.state is None else waiting(db, stream)
    steps = plan(before, wanted, early, stored)
    _follow(db, stream, before, steps)
    if wanted.key is not None:
        cells = (stream, wanted.key, steps.seqs[0], len(steps.seqs))
        db.execute("INSERT INTO keys (stream, key, seq, count) VALUES (?, ?, ?, ?)", cells)
    numbers: Sequence[int] = ()
    if wanted.family is Family.RELEASE:
        numbers = numbering.number(db, stream, (seq for seq, _ in steps.dense))
    return steps.seqs, False, numbers


def _follow(db: apsw.Connection, stream: int, before: Stream, steps: Plan) -> None:
    state = before.state
    for state, wait in steps.states:
        db.execute(_MOVE, (state, wait, stream))
    if steps.dense:
        cells, leaves = log_rows.entry_rows(stream, steps.dense)
        frontier = before.frontier.grown(leaves)
        head = (frontier.size, frontier.packed(), stream, before.size, before.epoch, state)
        db.execute(_GROW, head)
        if db.changes() != 1:
            msg = f"{before.family.value} {before.name} moved while it was appended to"
            raise ConflictError(msg, hint="read it again, then retry")
        bulk.append(db, _INTO_ENTRIES, cells, log_rows.ROW_CELLS)
    if steps.released:
        done = [(stream, seq) for seq in steps.released]
        db.executemany("DELETE FROM early WHERE stream = ? AND seq = ?", done)
    if steps.early:
        later, _ = log_rows.entry_rows(stream, steps.early)
        bulk.append(db, _INTO_EARLY, later, log_rows.ROW_CELLS)
