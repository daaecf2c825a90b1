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


def insert(
    db: apsw.Connection, into: str, rows: Sequence[tuple[object, ...]], where: str = ""
) -> None:
    """Insert rows that are not there yet; ``into`` is the statement up to its VALUES.

    Only those for which ``where`` holds, whose cells are ``new.column1`` and so on.
    """
    if where:
        _insert(db, f"{into} SELECT * FROM (", rows, f") AS new WHERE {where}{_ANYWAY}")
    else:
        _insert(db, into, rows, _ANYWAY)


def append(db: apsw.Connection, into: str, rows: Sequence[tuple[object, ...]]) -> None:
    """Insert rows that must be new."""
    _insert(db, into, rows, "")


def _insert(
    db: apsw.Connection, into: str, rows: Sequence[tuple[object, ...]], otherwise: str
) -> None:
    start = 0
    for step in _STEPS:
        while len(rows) - start >= step:
            sql = _statement(into, len(rows[0]), step) + otherwise
            db.execute(sql, tuple(chain.from_iterable(rows[start : start + step])))
            start += step


@lru_cache(maxsize=32)
def _statement(into: str, cells: int, rows: int) -> str:
    row = f"({','.join('?' * cells)})"
    return f"{into} VALUES {','.join([row] * rows)}"
