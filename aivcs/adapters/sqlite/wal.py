"""Room ahead of SQLite's log: a commit into space that the file has is synced sooner."""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

ROOM: Final = 256 * 2**10
_FEW: Final = 4
_NONE: Final = -1


class LogRoom:
    """Keeps zeros at the end of the log at ``path``, once a process has many commits.

    Where a commit makes the file longer, its sync must also write the file system's journal.
    SQLite takes zeros for the end of the log: a frame there has not the salt of the header.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._commits = 0
        self._file = _NONE
        self._size = 0
        self._zeros = b""
        self._close: Callable[[], object] = lambda: None

    def make(self) -> None:
        """Write zeros behind the log's end if commits have made it longer since the last call.

        Inside the write transaction only: then nobody else writes to the log or cuts it. The
        next sync of SQLite makes them durable. The first calls do nothing: who commits a few
        times should not pay for others. Where it fails, the disk may be full, and this ends.
        """
        self._commits += 1
        if self._commits <= _FEW or not self._path:
            return
        try:
            if self._file == _NONE:
                self._open()
            size = os.fstat(self._file).st_size
            # Longer by a whole room or more: somebody else made one, or commits are large.
            if 0 < size - self._size < ROOM:
                self._extend(size)
                size += ROOM
            self._size = size
        except OSError:
            self.close()

    def close(self) -> None:
        """Close the log's file and make no more room; idempotent.

        SQLite has no lock on the log that closing the file would end.
        """
        self._path = ""
        self._close()

    def _open(self) -> None:
        # Never created here: a log is SQLite's to begin.
        self._file = os.open(self._path, os.O_WRONLY | os.O_CLOEXEC)
        self._close = weakref.finalize(self, os.close, self._file)
        self._size = os.fstat(self._file).st_size
        self._zeros = bytes(ROOM)

    def _extend(self, size: int) -> None:
        try:
            written = os.pwrite(self._file, self._zeros, size)
        except OSError:
            written = 0
        if written < ROOM:
            # What is left of the disk is for the commits themselves.
            os.ftruncate(self._file, size)
            self.close()
