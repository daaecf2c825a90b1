"""The embedded ledger: one SQLite file, opened through apsw only."""

from aivcs.adapters.sqlite.ledger import SqliteLedger

__all__ = ["SqliteLedger"]
