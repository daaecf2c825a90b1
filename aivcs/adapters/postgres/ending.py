"""How a run changes hands, ends and is sealed, and how its bodies go; inside a transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.adapters.postgres import locks
from aivcs.adapters.postgres.appending import head, waiting
from aivcs.adapters.postgres.run_rows import RUN
from aivcs.domain import log_rows
from aivcs.domain.checksum import checksum
from aivcs.domain.ending import ended
from aivcs.domain.erasing import check_erasable, erased, no_event
from aivcs.domain.lease import claimed
from aivcs.domain.moment import to_micros
from aivcs.domain.stream import Family

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.adapters.postgres.session import Session
    from aivcs.domain.log_writes import Claim, EndRun, Erasure
    from aivcs.domain.rows import Row

_LOGS: Final = ("entries", "early")
_ONE: Final = f"SELECT {log_rows.ENTRY} FROM {{0}} WHERE stream = %s AND seq = %s"
_PAGE: Final = (
    f"SELECT {log_rows.ENTRY} FROM {{0}} WHERE stream = %s AND seq > %s ORDER BY seq LIMIT 1000"
)
_CLEAR: Final = """
UPDATE {0} SET body = NULL, object = NULL, salt = NULL, commitment = w.commitment
FROM unnest(%s::bytea[], %s::bigint[]) AS w (commitment, seq)
WHERE {0}.stream = %s AND {0}.seq = w.seq
"""
_CLAIM: Final = "UPDATE streams SET epoch = %s, holder = %s, deadline = %s WHERE id = %s"
_END: Final = """
UPDATE streams SET state = %s, wait = NULL, holder = NULL, deadline = NULL WHERE id = %s
"""
_SEAL: Final = """
INSERT INTO seals (id, stream, hash) SELECT 1 + coalesce(max(id), 0), %s, %s FROM seals
"""


def claim(db: Session, wanted: Claim) -> int:
    """Move a run's lease; return its epoch."""
    stream, before = head(db, Family.RUN, wanted.run_id)
    after = claimed(before, wanted)
    deadline = None if after.deadline is None else to_micros(after.deadline)
    db.run(_CLAIM, (after.epoch, after.holder, deadline, stream))
    return after.epoch


def end_run(db: Session, end: EndRun, *, repeated: bool) -> None:
    """Make a terminal move and seal the run; a repeated one that was made is left at that."""
    from aivcs.domain.seal import seal_hash

    stream, before = head(db, Family.RUN, end.run_id)
    if repeated and before.status is end.status:
        return
    after = ended(before, end, waiting(db, stream))
    root = before.frontier.root()
    final, completed_at = log_rows.raw(end.final_state), to_micros(end.completed_at)
    cells = (int(end.success), end.duration_ms, final, completed_at, end.reason, root)
    db.run(
        "INSERT INTO ends VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        (stream, *cells, checksum(*cells)),
    )
    db.run(_END, (str(after.state), stream))
    record = log_rows.run(db.rows(f"{RUN} WHERE s.id = %s", (stream,))[0])
    # Seals are numbered without a gap: who numbers one is alone until his transaction ends.
    db.rows(locks.call("pg_advisory_xact_lock", locks.SEALS))
    db.run(_SEAL, (stream, seal_hash(record, root)))


def erase(db: Session, wanted: Erasure) -> None:
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
            _clear(db, table, stream, db.rows(_ONE.format(table), (stream, seq))) for table in _LOGS
        ):
            raise no_event(before, seq)


def _pages(db: Session, table: str, stream: int) -> Iterator[list[Row]]:
    mark: object = 0
    while page := db.rows(_PAGE.format(table), (stream, mark)):
        yield page
        mark = page[-1][0]


def _clear(db: Session, table: str, stream: int, page: list[Row]) -> int:
    """Erase the bodies of some rows; return how many rows there were."""
    before = [log_rows.entry(row) for row in page]
    after = [erased(entry) for entry in before if entry.commitment is None]
    kept, seqs = [entry.commitment for entry in after], [entry.seq for entry in after]
    db.run(_CLEAR.format(table), (kept, seqs, stream))
    return len(before)
