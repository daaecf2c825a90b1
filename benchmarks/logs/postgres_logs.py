"""Bare PostgreSQL through psycopg: a row for each log, locked while its next seq is taken."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import psycopg

from benchmarks.recorders.events import payload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_TABLES: Final = (
    "CREATE TABLE logs (log BIGINT PRIMARY KEY, size BIGINT NOT NULL)",
    "CREATE TABLE entries (log BIGINT, seq BIGINT, mark TEXT, body TEXT, PRIMARY KEY (log, seq))",
)
_APPEND: Final = """
  WITH taken AS (UPDATE logs SET size = size + 1 WHERE log = %s RETURNING log, size)
  INSERT INTO entries SELECT log, size, %s, %s FROM taken RETURNING seq
"""


def make(place: str, logs: int) -> None:
    """Make the tables in the database of ``folder url``."""
    with _connection(place) as db:
        for words in _TABLES:
            db.execute(words)
        for log in range(logs):
            db.execute("INSERT INTO logs VALUES (%s, 0)", (log,))


@contextmanager
def opened(place: str) -> Iterator[Callable[[int, str, bool], int]]:
    """Connect; each statement is a transaction."""
    with _connection(place) as db:

        def append(log: int, mark: str, expecting: bool) -> int:  # noqa: FBT001 - one of the stores
            del expecting  # the row's lock is taken before the seq is
            row = db.execute(_APPEND, (log, mark, json.dumps(payload(0)))).fetchone()
            if row is None:
                raise KeyError(log)
            return int(str(row[0]))

        yield append


def read(place: str, logs: int) -> dict[tuple[int, int], str]:
    """Return the marks of all rows."""
    del logs  # all of them
    with _connection(place) as db:
        rows = db.execute("SELECT log, seq, mark FROM entries").fetchall()
    return {(int(str(log)), int(str(seq))): str(mark) for log, seq, mark in rows}


def _connection(place: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(place.partition(" ")[2], autocommit=True)
