"""Whose turn it is to write: a lock beside SQLite's own, which a process may lose unawares.

SQLite's locks end when the process closes any descriptor of the file, as one does who copies
it; this one belongs to its own descriptor (flock(2)). It is on the log, which is one file as
long as anybody has the ledger open.
"""

from __future__ import annotations

import fcntl
import os
from typing import Final

_NONE: Final = -1
_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW


class Turn:
    """The lock on the log at ``path``; where that cannot be opened, it is always free."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file = _NONE

    def take(self) -> bool:
        """Take it, and tell whether it was free."""
        if self._file == _NONE:
            try:
                self._file = os.open(self._path, _FLAGS)
            except OSError:
                return True
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def give(self) -> None:
        """Give it back, also for forked children that have the descriptor."""
        if self._file != _NONE:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the file; idempotent. SQLite has no lock on the log that this would end."""
        file, self._file = self._file, _NONE
        if file != _NONE:
            os.close(file)
