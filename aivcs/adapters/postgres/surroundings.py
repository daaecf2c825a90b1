"""What was around when a spec was stored: a table beside that of specs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.domain.checksum import checksum

if TYPE_CHECKING:
    from aivcs.adapters.postgres.session import Session

TABLE: Final = """
CREATE TABLE surroundings (
  spec bigint PRIMARY KEY REFERENCES specs (id),
  environment text COLLATE "C" NOT NULL,
  checksum bytea NOT NULL CHECK (length(checksum) = 8)
);
"""

_NEVER: Final = """
CREATE TRIGGER surroundings_no_{0} BEFORE {1} ON surroundings
  FOR EACH STATEMENT EXECUTE FUNCTION never();
"""


def guards() -> str:
    """Return the triggers of the table."""
    return "".join(_NEVER.format(verb.lower(), verb) for verb in ("DELETE", "UPDATE", "TRUNCATE"))


MIGRATION: Final = TABLE + guards()


def put(db: Session, spec: int, environment: str) -> None:
    """Insert what was around the row ``spec`` of specs, as JSON text."""
    cells = (spec, environment)
    db.run("INSERT INTO surroundings VALUES (%s, %s, %s)", (*cells, checksum(*cells)))
