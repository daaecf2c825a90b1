"""Bare SQLite through apsw, the driver that aivcs uses."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import apsw

from benchmarks.recorders.bare_rows import INSERT, PRAGMAS, SELECT, TABLES, decoded, rows
from benchmarks.recorders.events import groups

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.recorders.stretch import Stretch


def write(folder: Path, count: int, group: int, stretch: Stretch) -> None:
    """Insert the rows, ``group`` a transaction."""
    with closing(apsw.Connection(str(folder / "bare.db"))) as db:
        for words in (*PRAGMAS, *TABLES):
            db.execute(words).fetchall()
        with stretch:
            for numbers in groups(count, group):
                db.execute("BEGIN IMMEDIATE")
                db.executemany(INSERT, rows(numbers))
                db.execute("COMMIT")


def read(folder: Path, stretch: Stretch) -> int:
    """Return how many events there are, each decoded."""
    with closing(apsw.Connection(str(folder / "bare.db"))) as db, stretch:
        return decoded(db.execute(SELECT))
