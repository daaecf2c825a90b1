"""The ledger in a PostgreSQL database, which several machines may share."""

from aivcs.adapters.postgres.ledger import PostgresLedger
from aivcs.adapters.postgres.schema import claimed
from aivcs.adapters.postgres.server import SCHEMES, Server

__all__ = ["SCHEMES", "PostgresLedger", "Server", "claimed"]
