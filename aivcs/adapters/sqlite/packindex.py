"""Making the index of packs anew, whatever became of its tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.adapters.sqlite.schema import PACK_INDEX
from aivcs.errors import CorruptionError

if TYPE_CHECKING:
    from aivcs.adapters.sqlite.connection import Connection

_TABLES: Final = ("sealed", "blocks", "packs")
_KEEP_HOLDS: Final = """
INSERT OR IGNORE INTO holds SELECT digest, lease FROM sealed WHERE lease IN (SELECT id FROM leases)
"""
_CUT_OUT: Final = """
DELETE FROM sqlite_schema WHERE tbl_name IN ('sealed', 'blocks', 'packs')
"""


def reset(connection: Connection) -> None:
    """Leave the tables of packs empty and as this format has them.

    What live processes hold of sealed objects stays held where it can be read.
    """
    try:
        with connection.writing(synced=True) as db:
            db.execute(_KEEP_HOLDS)
    except CorruptionError:
        pass  # a table that cannot be read or is missing says nothing of holds
    try:
        with connection.writing(synced=True) as db:
            for table in _TABLES:
                db.execute(f"DROP TABLE IF EXISTS {table}")
            db.execute(PACK_INDEX)
    except CorruptionError:
        _cut_out(connection)


def _cut_out(connection: Connection) -> None:
    """Forget tables whose pages cannot even be freed, and write the file anew without them."""
    connection.maintain("PRAGMA writable_schema=ON")
    try:
        with connection.writing(synced=True) as db:
            db.execute(_CUT_OUT)
    finally:
        connection.maintain("PRAGMA writable_schema=RESET")
    connection.maintain("VACUUM")
    with connection.writing(synced=True) as db:
        db.execute(PACK_INDEX)
