"""What was around when a spec was stored: a table beside that of specs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.domain.checksum import checksum

if TYPE_CHECKING:
    import apsw

TABLE: Final = """
CREATE TABLE surroundings (
  spec INTEGER PRIMARY KEY REFERENCES specs (id),
  environment TEXT NOT NULL,
  checksum BLOB NOT NULL CHECK (length(checksum) = 8)
) STRICT;
"""

_GUARDS: Final = """
CREATE TRIGGER surroundings_no_delete BEFORE DELETE ON surroundings BEGIN
  SELECT RAISE(ABORT, 'aivcs: surroundings is append-only');
END;
CREATE TRIGGER surroundings_no_update BEFORE UPDATE ON surroundings BEGIN
  SELECT RAISE(ABORT, 'aivcs: surroundings is append-only');
END;
CREATE TRIGGER surroundings_insert BEFORE INSERT ON surroundings BEGIN
  SELECT RAISE(ABORT, 'aivcs: surroundings is append-only')
    WHERE EXISTS (SELECT 1 FROM surroundings WHERE spec = NEW.spec);
END;
"""

MIGRATION: Final = TABLE + _GUARDS


def put(db: apsw.Connection, spec: int, environment: str) -> None:
    """Insert what was around the row ``spec`` of specs, as JSON text."""
    cells = (spec, environment)
    db.execute("INSERT INTO surroundings VALUES (?, ?, ?)", (*cells, checksum(*cells)))
