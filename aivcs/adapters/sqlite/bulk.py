"""Inserting many rows by few statements, each one step that lets other threads run."""

from __future__ import annotations

from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    import apsw

_ANYWAY: Final = " ON CONFLICT DO NOTHING"
_STEPS: Final = (500, 100, 50, 10, 1)
_SHORT_STEPS: Final = (50, 10, 1)
"""More rows of a log in one statement, and what takes it back would go through a file."""


def insert(
    db: apsw.Connection, into: str, rows: Sequence[tuple[object, ...]], where: str = ""
) -> None:
    """Insert rows that are not there yet; ``into`` is the statement up to its VALUES.

    Only those for which ``where`` holds, whose cells are ``new.column1`` and so on.
    """
    head, tail = into, _ANYWAY
    if where:
        head, tail = f"{into} SELECT * FROM (", f") AS new WHERE {where}{_ANYWAY}"
    start = 0
    for step in _STEPS:
        while len(rows) - start >= step:
            sql = _statement(head, len(rows[0]), step) + tail
            db.execute(sql, tuple(chain.from_iterable(rows[start : start + step])))
            start += step


def append(db: apsw.Connection, into: str, cells: Sequence[object], width: int) -> None:
    """Insert rows that must be new: ``width`` cells each, one row after the other."""
    start, left = 0, len(cells) // width
    for step in _SHORT_STEPS:
        while left >= step:
            end = start + step * width
            db.execute(_statement(into, width, step), cells[start:end])
            start, left = end, left - step


@lru_cache(maxsize=32)
def _statement(into: str, cells: int, rows: int) -> str:
    row = f"({','.join('?' * cells)})"
    return f"{into} VALUES {','.join([row] * rows)}"
