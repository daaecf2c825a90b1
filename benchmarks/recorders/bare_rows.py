"""Bare SQLite: the rows of aivcs, with its columns and indexes, and nothing that guards them."""

from __future__ import annotations

import json
import os
from time import time_ns
from typing import TYPE_CHECKING, Final, TypeAlias

from benchmarks.recorders.events import KIND, payload

if TYPE_CHECKING:
    from collections.abc import Iterable

Row: TypeAlias = "tuple[int, str, int, int, str, bytes, bytes]"

PRAGMAS: Final = ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL")
_ENTRIES: Final = (
    "CREATE TABLE entries (id INTEGER PRIMARY KEY, stream INTEGER NOT NULL, seq INTEGER NOT NULL,"
    " kind TEXT NOT NULL, timestamp INTEGER NOT NULL, recorded_at INTEGER NOT NULL, body TEXT,"
    " object BLOB, salt BLOB, commitment BLOB, checksum BLOB NOT NULL) STRICT"
)
TABLES: Final = (_ENTRIES, "CREATE UNIQUE INDEX entries_by_seq ON entries (stream, seq)")
INSERT: Final = (
    "INSERT INTO entries (stream, seq, kind, timestamp, recorded_at, body, salt, checksum)"
    " VALUES (1, ?, ?, ?, ?, ?, ?, ?)"
)
SELECT: Final = "SELECT seq, kind, timestamp, body FROM entries WHERE stream = 1 ORDER BY seq"
_SALT: Final = os.urandom(16)
_CHECKSUM: Final = os.urandom(8)


def rows(numbers: Iterable[int]) -> list[Row]:
    """Return the rows of events; the JSON is encoded here, nothing is hashed."""
    now = time_ns() // 1000
    return [
        (one + 1, KIND, now, now, json.dumps(payload(one)), _SALT, _CHECKSUM) for one in numbers
    ]


def decoded(found: Iterable[tuple[object, ...]]) -> int:
    """Return how many events the rows have, each decoded."""
    return sum(1 for row in found if json.loads(str(row[3])))
