"""What the database says of itself as a backend, and whether it is ready."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aivcs.adapters.postgres import schema
from aivcs.errors import StorageError
from aivcs.ports import StorageBackend

if TYPE_CHECKING:
    from aivcs.adapters.postgres.database import Database
    from aivcs.adapters.postgres.session import Session


class Health(StorageBackend):
    """The part of the ledger that answers for its server."""

    _db: Database

    def name(self) -> str:
        """Return ``postgres``."""
        return "postgres"

    def requires_network(self) -> bool:
        """Return True."""
        return True

    def health_check(self) -> None:
        """Ask the server for the ledger's tables, and begin to write.

        Raises StorageError where it cannot be reached or only reads, CorruptionError where
        the tables are missing.
        """
        self._db.transact(self._probe)

    def _probe(self, session: Session) -> None:
        schema.check(session)
        ((fsync, full),) = session.rows(
            "SELECT current_setting('fsync'), current_setting('full_page_writes')"
        )
        if "off" in {fsync, full}:
            msg = f"the server of {self._db.server} does not survive a power cut"
            hint = "set fsync and full_page_writes to on in postgresql.conf"
            raise StorageError(msg, hint=hint)
