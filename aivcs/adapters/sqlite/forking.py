"""What becomes of open ledgers when the process forks: the child has none of them.

SQLite's locks belong to the process, but what it knows of them is copied. In the child it
would take locks that it believes to have for taken, and its close would remove the log that
others use. So the child gives every ledger up before anything else runs in it.
https://sqlite.org/howtocorrupt.html, section 2.6.
"""

from __future__ import annotations

import os
import threading
import weakref
from contextlib import suppress
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


_open: Final[dict[int, weakref.ref[Forked]]] = {}
"""A dictionary, because others may open a ledger while all of them are listed."""
_local: Final = threading.local()
_spoilt: Final[set[str]] = set()


def watch(ledger: Forked) -> None:
    """Give ``ledger`` up in each child of this process from now on."""
    key = id(ledger)
    _open[key] = weakref.ref(ledger, lambda _: _open.pop(key, None))


def is_spoilt(path: Path) -> bool:
    """Tell whether the process was forked in the middle of work on the file at ``path``."""
    return bool(_spoilt) and os.path.realpath(path) in _spoilt


def let_go(db: apsw.Connection) -> None:
    """Close a connection without merging the log into the file, or removing the log."""
    db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    db.close()


def _ledgers() -> list[Forked]:
    return [one for one in (found() for found in list(_open.values())) if one is not None]


def _before() -> None:
    # One list for each fork: threads may fork at the same time, and handlers inside of it.
    still: list[Forked] = []
    _forks().append(still)
    for one in _ledgers():
        # An error would be printed and no more, and the ledgers behind it would be forgotten.
        with suppress(BaseException):
            if one.hold_still(WAIT_SECONDS):
                still.append(one)


def _forks() -> list[list[Forked]]:
    found: list[list[Forked]] = _local.__dict__.setdefault("forks", [])
    return found


def _in_parent() -> None:
    for one in _forks().pop():
        one.go_on()


def _in_child() -> None:
    still = _forks().pop()
    _local.__dict__.clear()
    for one in _ledgers():
        is_still = one in still
        if is_still:
            one.go_on()
        with suppress(apsw.Error):
            _give_up(one, is_still=is_still)
    _open.clear()


def _give_up(ledger: Forked, *, is_still: bool) -> None:
    db = ledger.abandon()
    if db is None:
        return
    if is_still and not db.in_transaction:
        let_go(db)
        return
    # Taking a transaction back would change the index that the parent works on, so the
    # connection is never closed in this process, not at its end either.
    import ctypes

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(db))
    _spoilt.add(os.path.realpath(ledger.path))


os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
