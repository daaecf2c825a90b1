"""What the ledger's file says of itself as a backend, and whether it is ready."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.errors import CorruptionError
from aivcs.ports import StorageBackend

if TYPE_CHECKING:
    from aivcs.adapters.sqlite.connection import Connection

_PROBE: Final = """
SAVEPOINT probe;
CREATE TABLE probe (number);
INSERT INTO probe VALUES (1);
ROLLBACK TO probe;
RELEASE probe
"""


class Health(StorageBackend):
    """The part of the ledger that answers for its file."""

    _db: Connection

    def name(self) -> str:
        """Return ``sqlite``."""
        return "sqlite"

    def requires_network(self) -> bool:
        """Return False."""
        return False

    def health_check(self) -> None:
        """Check the file's structure, write into it, and take that back.

        Reads every page. Raises CorruptionError for damage, StorageError where nothing can
        be written.
        """
        self._db.check_open()
        if not self._db.path.exists():
            msg = f"the ledger {self._db.path} was removed"
            raise CorruptionError(msg, hint="restore the file from a copy")
        found = self._db.rows("PRAGMA quick_check(1)")
        if found != [("ok",)]:
            msg = f"the ledger {self._db.path} is damaged: {found[0][0]}"
            raise CorruptionError(msg, hint="keep a copy of the folder; 'aivcs verify' says more")
        with self._db.writing() as db:
            db.execute(_PROBE)
