"""What the ledger in memory says of itself as a backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aivcs.ports import StorageBackend

if TYPE_CHECKING:
    from aivcs.adapters.memory_ledger.journal import Journal


class Health(StorageBackend):
    """The part of the ledger that answers for it."""

    _journal: Journal

    def name(self) -> str:
        """Return ``memory``."""
        return "memory"

    def requires_network(self) -> bool:
        """Return False."""
        return False

    def health_check(self) -> None:
        """Raise RepositoryClosed when it is closed."""
        self._journal.reading()
