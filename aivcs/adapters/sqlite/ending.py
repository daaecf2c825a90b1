"""How a run changes hands, ends and is sealed, and how its bodies go; inside a transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.adapters.sqlite.appending import head, waiting
from aivcs.adapters.sqlite.run_rows import RUN
from aivcs.domain import log_rows
from aivcs.domain.checksum import checksum
from aivcs.domain.ending import ended
from aivcs.domain.erasing import check_erasable, erased, no_event
from aivcs.domain.lease import claimed
from aivcs.domain.moment import to_micros
from aivcs.domain.stream import Family

if TYPE_CHECKING:
    from collections.abc import Iterator

    import apsw

    from aivcs.domain.log_writes import Claim, EndRun, Erasure
    from aivcs.domain.rows import Row

_LOGS: Final = ("entries", "early")
_ONE: Final = f"SELECT {log_rows.ENTRY} FROM {{0}} WHERE stream = ? AND seq = ?"
_PAGE: Final = (
    f"SELECT {log_rows.ENTRY} FROM {{0}} WHERE stream = ? AND seq > ? ORDER BY seq LIMIT 1000"
)
_CLEAR: Final = """
UPDATE {0} SET body = NULL, object = NULL, salt = NULL, commitment = ? WHERE stream = ? AND seq = ?
"""


def claim(db: apsw.Connection, wanted: Claim) -> int:
    """Move a run's lease; return its epoch."""
    stream, before = head(db, Family.RUN, wanted.run_id)
    after = claimed(before, wanted)
    deadline = None if after.deadline is None else to_micros(after.deadline)
    db.execute(
        "UPDATE streams SET epoch = ?, holder = ?, deadline = ? WHERE id = ?",
        (after.epoch, after.holder, deadline, stream),
    )
    return after.epoch


def end_run(db: apsw.Connection, end: EndRun, *, repeated: bool) -> None:
    """Make a terminal move and seal the run; a repeated one that was made is left at that."""
    from aivcs.domain.seal import seal_hash

    stream, before = head(db, Family.RUN, end.run_id)
    if repeated and before.status is end.status:
        return
    after = ended(before, end, waiting(db, stream))
    root = before.frontier.root()
    final, completed_at = log_rows.raw(end.final_state), to_micros(end.completed_at)
    cells = (end.success, end.duration_ms, final, completed_at, end.reason, root)
    insert = "INSERT INTO ends VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
    db.execute(insert, (stream, *cells, checksum(*cells)))
    db.execute(
        "UPDATE streams SET state = ?, wait = NULL, holder = NULL, deadline = NULL WHERE id = ?",
        (after.state, stream),
    )
    record = log_rows.run(db.execute(f"{RUN} WHERE s.id = ?", (stream,)).fetchone() or ())
    db.execute(
        "INSERT INTO seals (id, stream, hash) SELECT 1 + ifnull(max(id), 0), ?, ? FROM seals",
        (stream, seal_hash(record, root)),
    )


def erase(db: apsw.Connection, wanted: Erasure) -> None:
    """Erase bodies of an ended run, those that wait too; what is erased stays as it is."""
    stream, before = head(db, Family.RUN, wanted.run_id)
    check_erasable(before)
    if wanted.seqs is None:
        for table in _LOGS:
            for page in _pages(db, table, stream):
                _clear(db, table, stream, page)
        return
    for seq in wanted.seqs:
        if not any(
            _clear(db, table, stream, db.execute(_ONE.format(table), (stream, seq)).fetchall())
            for table in _LOGS
        ):
            raise no_event(before, seq)


def _pages(db: apsw.Connection, table: str, stream: int) -> Iterator[list[Row]]:
    mark: object = 0
    while page := db.execute(_PAGE.format(table), (stream, mark)).fetchall():
        yield page
        mark = page[-1][0]


def _clear(db: apsw.Connection, table: str, stream: int, page: list[Row]) -> int:
    """Erase the bodies of some rows; return how many rows there were."""
    before = [log_rows.entry(row) for row in page]
    after = [erased(entry) for entry in before if entry.commitment is None]
    db.executemany(_CLEAR.format(table), [(e.commitment, stream, e.seq) for e in after])
    return len(before)
