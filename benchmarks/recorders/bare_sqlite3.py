"""Bare SQLite through Python's own driver."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from benchmarks.recorders.bare_rows import INSERT, PRAGMAS, SELECT, TABLES, decoded, rows
from benchmarks.recorders.events import groups

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.recorders.stretch import Stretch


def write(folder: Path, count: int, group: int, stretch: Stretch) -> None:
    """Insert the rows, ``group`` a transaction."""
    with closing(sqlite3.connect(folder / "bare.db")) as db:
        for words in (*PRAGMAS, *TABLES):
            db.execute(words)
        with stretch:
            for numbers in groups(count, group):
                db.executemany(INSERT, rows(numbers))
                db.commit()


def read(folder: Path, stretch: Stretch) -> int:
    """Return how many events there are, each decoded."""
    with closing(sqlite3.connect(folder / "bare.db")) as db, stretch:
        return decoded(db.execute(SELECT))
