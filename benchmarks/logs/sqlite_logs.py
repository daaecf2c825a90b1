"""Bare SQLite: one table; the next seq is asked for and taken in one transaction."""

from __future__ import annotations

import json
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import apsw

from benchmarks.recorders.bare_rows import PRAGMAS
from benchmarks.recorders.events import payload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_BUSY_MS: Final = 30_000
_TABLE: Final = (
    "CREATE TABLE entries (log INTEGER, seq INTEGER, mark TEXT, body TEXT, PRIMARY KEY (log, seq))"
)
_NEXT: Final = "SELECT coalesce(max(seq), 0) + 1 FROM entries WHERE log = ?"


def make(place: str, logs: int) -> None:
    """Make the table."""
    del logs  # a log begins with its first row
    with closing(_connection(place)) as db:
        db.execute(_TABLE).fetchall()


@contextmanager
def opened(place: str) -> Iterator[Callable[[int, str, bool], int]]:
    """Connect; writers wait for the lock as SQLite's own handler does."""
    with closing(_connection(place)) as db:

        def append(log: int, mark: str, expecting: bool) -> int:  # noqa: FBT001 - one of the stores
            del expecting  # the lock is taken before the seq is asked for
            db.execute("BEGIN IMMEDIATE")
            try:
                (seq,) = next(db.execute(_NEXT, (log,)))
                row = (log, seq, mark, json.dumps(payload(0)))
                db.execute("INSERT INTO entries VALUES (?, ?, ?, ?)", row)
                db.execute("COMMIT")
            except BaseException:
                db.execute("ROLLBACK")
                raise
            return int(str(seq))

        yield append


def read(place: str, logs: int) -> dict[tuple[int, int], str]:
    """Return the marks of all rows."""
    del logs  # all of them
    with closing(_connection(place)) as db:
        rows = db.execute("SELECT log, seq, mark FROM entries").fetchall()
    return {(int(str(log)), int(str(seq))): str(mark) for log, seq, mark in rows}


def _connection(place: str) -> apsw.Connection:
    db = apsw.Connection(str(Path(place) / "bare.db"))
    db.set_busy_timeout(_BUSY_MS)
    for words in PRAGMAS:
        db.execute(words).fetchall()
    return db
