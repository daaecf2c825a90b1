"""Writing a table anew, so that nothing is left of what its rows said before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from psycopg import errors

from aivcs.adapters.postgres.session import SCHEMA

if TYPE_CHECKING:
    from aivcs.adapters.postgres.session import Session

ERASED_FROM: Final = ("entries", "early")
"""The tables whose rows lose bodies."""
DELETED_FROM: Final = ("hot",)
"""The tables whose rows are deleted with an object's bytes."""

WAIT_SECONDS: Final = 2
"""So long a rewriting waits for those who read or write the table; all others wait behind it."""
_BUSY: Final = (errors.LockNotAvailable, errors.DiskFull)


def rewrite(session: Session, table: str) -> bool:
    """Write a table anew; tell whether only living rows are in its new files.

    False where somebody uses the table for longer than WAIT_SECONDS, or may still read what
    was deleted, or the disk has no room for both; it is as it was then.
    """
    before = len(session.notices)
    session.run(f"SET lock_timeout = {int(WAIT_SECONDS * 1000)}")
    try:
        session.run(f"VACUUM (FULL, VERBOSE) {SCHEMA}.{table}")
    except _BUSY:
        return False
    # In whatever language the server speaks, first comes how many dead rows it had to copy.
    kept = [detail.split()[0] for detail in session.notices[before:] if detail]
    return bool(kept) and set(kept) == {"0"}
