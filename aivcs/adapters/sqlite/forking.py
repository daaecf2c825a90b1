"""What becomes of open ledgers when the process forks: the child has none of them.

SQLite's locks belong to the process, but what it knows of them is copied. In the child it
would take locks that it believes to have for taken, and its close would remove the log that
others use. So the child gives every ledger up before anything else runs in it.
https://sqlite.org/howtocorrupt.html, section 2.6.
"""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING, Final, Protocol

import apsw

if TYPE_CHECKING:
    from pathlib import Path

WAIT_SECONDS: Final = 5.0


class Forked(Protocol):
    """An open ledger, as the fork of its process sees it."""

    path: Path

    def hold_still(self, seconds: float) -> bool:
        """Wait until no other thread uses the ledger, and keep them from it; tell whether it is."""

    def go_on(self) -> None:
        """Let other threads use it again."""

    def abandon(self) -> apsw.Connection | None:
        """Forget the file, and return what it was opened by."""


_open: Final[weakref.WeakSet[Forked]] = weakref.WeakSet()
_still: Final[list[tuple[Forked, bool]]] = []
_kept: Final[list[apsw.Connection]] = []
"""Connections that cannot be closed in this process without harm to the one it came from."""
_spoilt: Final[set[str]] = set()


def watch(ledger: Forked) -> None:
    """Give ``ledger`` up in each child of this process from now on."""
    _open.add(ledger)


def is_spoilt(path: Path) -> bool:
    """Tell whether the process was forked in the middle of work on the file at ``path``."""
    return bool(_spoilt) and os.path.realpath(path) in _spoilt


def let_go(db: apsw.Connection) -> None:
    """Close a connection without merging the log into the file, or removing the log."""
    db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    db.close()


def _before() -> None:
    _still.extend((one, one.hold_still(WAIT_SECONDS)) for one in list(_open))


def _in_parent() -> None:
    for one, still in _still:
        if still:
            one.go_on()
    _still.clear()


def _in_child() -> None:
    for one, still in _still:
        db = one.abandon()
        if still:
            one.go_on()
        if db is None:
            continue
        if still and not db.in_transaction:
            let_go(db)
        else:
            # Taking a transaction back would change the index that the parent works on.
            _kept.append(db)
            _spoilt.add(os.path.realpath(one.path))
    _still.clear()
    _open.clear()


os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
