"""Writing a long file past the page cache, which for it would cost more than the disk does."""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
from typing import Final

from aivcs.adapters.files.durable import write_all

ALIGNED: Final = 4096
"""Where in a file such writing may begin: at a multiple of so many bytes."""

_PIECE: Final = 2**20
_DIRECT: Final = getattr(os, "O_DIRECT", 0)


class Uncached:
    """Appends to an open file from its position on, which is a multiple of ``ALIGNED``.

    Bytes gather in a buffer, and go to the disk a MiB at a time; ``finish`` writes the rest.
    Where a file system refuses that, they are written as always. Raises OSError.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        # Of the system's own pages, because the disk takes only aligned ones.
        self._buffer = memoryview(mmap.mmap(-1, _PIECE))
        self._filled = 0
        self._direct = bool(_DIRECT)
        self._flag(on=True)

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes."""
        with memoryview(data) as view:
            done = 0
            while done < len(view):
                count = min(_PIECE - self._filled, len(view) - done)
                self._buffer[self._filled : self._filled + count] = view[done : done + count]
                self._filled += count
                done += count
                if self._filled == _PIECE:
                    self._flush()

    def finish(self) -> None:
        """Write what has gathered; what comes after it is written as always. Idempotent."""
        self._flag(on=False)
        self._flush()

    def _flush(self) -> None:
        pending = self._buffer[: self._filled]
        if self._direct:
            pending = pending[self._write_directly(pending) :]
        write_all(self._descriptor, pending)
        self._filled = 0

    def _write_directly(self, pending: memoryview) -> int:
        """Write as far as the file system does it so; return the bytes written."""
        done = 0
        try:
            while done < len(pending):
                done += os.write(self._descriptor, pending[done:])
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            self._flag(on=False)
        return done

    def _flag(self, *, on: bool) -> None:
        if not self._direct:
            return
        flags = fcntl.fcntl(self._descriptor, fcntl.F_GETFL)
        try:
            fcntl.fcntl(
                self._descriptor, fcntl.F_SETFL, flags | _DIRECT if on else flags & ~_DIRECT
            )
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            self._direct = False
        else:
            self._direct = on
