"""What is set for one transaction, and set back after it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import apsw

SYNCHRONOUS: Final = {True: "FULL", False: "NORMAL"}


@contextmanager
def syncing(
    db: apsw.Connection, *, wanted: bool, usual: bool, is_own: Callable[[], bool]
) -> Iterator[None]:
    """Let a commit reach the disk before it returns, or not; ``is_own`` is false in a child."""
    if wanted == usual:
        yield
        return
    db.execute(f"PRAGMA synchronous={SYNCHRONOUS[wanted]}")
    try:
        yield
    finally:
        if is_own():
            db.execute(f"PRAGMA synchronous={SYNCHRONOUS[usual]}")


@contextmanager
def undoing(db: apsw.Connection, *, many: bool, is_own: Callable[[], bool]) -> Iterator[None]:
    """Keep in memory what takes a statement back: else each page goes to a file first.

    For ``many`` inserts only: what a search sorts might be too much.
    """
    if not many:
        yield
        return
    db.execute("PRAGMA temp_store=MEMORY")
    try:
        yield
    finally:
        if is_own():
            db.execute("PRAGMA temp_store=DEFAULT")
