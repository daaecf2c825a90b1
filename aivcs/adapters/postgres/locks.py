"""Advisory locks of the database: what several machines agree on, without any clock.

The server lets go of a session's locks when the session ends, however it ends.
"""

from __future__ import annotations

from typing import Final

CLASS: Final = 0x61697663
"""``aivc`` in ASCII: the first half of every lock's key. The second is one of these, or the
number of a process lease.
"""

WRITE: Final = 0
"""Shared by every transaction that writes; ``exclusive`` has it alone."""
UPKEEP: Final = -1
MIGRATION: Final = -2
SPECS: Final = -3
SEALS: Final = -4
RELEASES: Final = -5

HELD: Final = f"""
SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND classid = {CLASS} AND objsubid = 2
"""
"""The second halves of the keys that any session of this database holds."""


def call(function: str, key: int) -> str:
    """Return the statement that calls a function of advisory locks."""
    return f"SELECT {function}({CLASS}, {key})"
