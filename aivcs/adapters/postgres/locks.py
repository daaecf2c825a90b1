"""Advisory locks of the database: what several machines agree on, without any clock.

The server lets go of a session's locks when the session ends, however it ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeAlias

    from aivcs.adapters.postgres.session import Session

    Place: TypeAlias = tuple[str, str]
    """The family and the name of a stream."""

CLASS: Final = 0x61697663
"""``aivc`` in ASCII: the first half of the keys of all locks but turns. The second is one of
these, or the number of a process lease.
"""

WRITE: Final = 0
"""Shared by every transaction that writes; ``exclusive`` has it alone."""
UPKEEP: Final = -1
MIGRATION: Final = -2
SPECS: Final = -3
SEALS: Final = -4
RELEASES: Final = -5

TURNS: Final = 0x61697674
"""``aivt``: the first half of the keys of turns. The second is one of MOST_TURNS numbers."""
MOST_TURNS: Final = 4096

HELD: Final = f"""
SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND classid = {CLASS} AND objsubid = 2
"""
"""The second halves of the keys that any session of this database holds."""


KEEP: Final = f"SELECT pg_advisory_lock({TURNS}, %s::int)"
"""Waits for a turn, which the session has then until it says LET_GO, or ends."""
LET_GO: Final = "SELECT pg_advisory_unlock_all()"

_TURN: Final = f"SELECT pg_advisory_xact_lock({TURNS}, %s::int)"
_SOME_TURNS: Final = f"""
SELECT pg_advisory_xact_lock({TURNS}, turn) FROM unnest(%s::int[]) AS turn
"""


def call(function: str, key: int) -> str:
    """Return the statement that calls a function of advisory locks."""
    return f"SELECT {function}({CLASS}, {key})"


def turns(db: Session, places: Iterable[Place]) -> None:
    """Wait, with the next statement, for the turn to lock the rows of some streams.

    Who waits for a row itself waits for one version of it, and when that is gone competes
    with all who came later. Here the first who comes is the first who goes on.
    """
    numbers = sorted(set(map(turn, places)) - {db.kept})
    if len(numbers) == 1:
        db.later(_TURN, numbers)
    elif numbers:
        db.later(_SOME_TURNS, (numbers,))


def turn(place: Place) -> int:
    """Return the number of the turn of a stream."""
    return crc32(" ".join(place).encode()) % MOST_TURNS
