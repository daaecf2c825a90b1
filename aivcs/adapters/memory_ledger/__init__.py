"""The ledger in memory: for tests, examples and throw-away work."""

from aivcs.adapters.memory_ledger.ledger import MemoryLedger

__all__ = ["MemoryLedger"]
