"""What an editor of the ledger's file does who knows of the checksums."""
# ruff: noqa: S608 - the statements are made of the names of tables and columns

from __future__ import annotations

from typing import TYPE_CHECKING

import apsw

from aivcs.domain.checksum import COLUMNS, LENGTH, checksum
from aivcs.domain.commitment import stored_leaf

if TYPE_CHECKING:
    from pathlib import Path

_ENTRY = "seq, kind, timestamp, recorded_at, body, object, salt, commitment"
_ALL = {**COLUMNS, "entries": _ENTRY, "early": _ENTRY}
_TRIGGERS = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"


def edit(path: Path, *statements: str, sealed: bool = True) -> None:
    """Change rows with the guards taken away and put back; ``sealed`` mends the checksums."""
    database = apsw.Connection(str(path))
    guards = database.execute(_TRIGGERS).fetchall()
    for name, _ in guards:
        database.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        database.execute(statement)
    for table, columns in _ALL.items() if sealed else ():
        for (row,) in database.execute(f"SELECT rowid FROM {table}").fetchall():
            _seal(database, table, columns, row)
    for _, sql in guards:
        database.execute(str(sql))
    database.close()


def _seal(database: apsw.Connection, table: str, columns: str, row: object) -> None:
    found = database.execute(f"SELECT {columns} FROM {table} WHERE rowid = ?", (row,))
    try:
        cells = found.fetchone()
    except UnicodeDecodeError:
        return  # such a text is noticed without any checksum
    try:
        sealed = (stored_leaf if columns is _ENTRY else checksum)(*(cells or ()))[:LENGTH]
    except ValueError:
        return  # so are numbers that no entry has, and half a body
    database.execute(f"UPDATE {table} SET checksum = ? WHERE rowid = ?", (sealed, row))
