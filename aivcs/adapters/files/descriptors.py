"""Files that are kept open, so that a read of a few bytes costs one system call."""

from __future__ import annotations

import os
import stat
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from aivcs.adapters.files.failures import not_regular

if TYPE_CHECKING:
    from pathlib import Path

_PIECE: Final = 2**30


class OpenFiles:
    """Up to ``limit`` open files, the least recently used one given up first.

    Any number of threads may read; a file that is given up is closed when the last of
    them is done with it. A file that was removed or replaced is not read any more.
    """

    def __init__(self, limit: int = 64) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._files: OrderedDict[str, _OpenFile] = OrderedDict()

    def read(self, path: Path, start: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``start`` on; fewer only at the file's end.

        Raises OSError, and CorruptionError where something that is no file has its place.
        """
        key = str(path)
        while True:
            file = self._file(key)
            status = os.fstat(file.descriptor)
            if status.st_nlink:
                return file.read(start, min(length, status.st_size - start))
            with self._lock:
                if self._files.get(key) is file:
                    del self._files[key]

    def forget(self, path: Path) -> None:
        """Give up the file of a path."""
        with self._lock:
            self._files.pop(str(path), None)

    def close(self) -> None:
        """Give up every file; idempotent."""
        with self._lock:
            self._files.clear()

    def _file(self, key: str) -> _OpenFile:
        # Opened under the lock: a file opened before its deletion is in the list when
        # the deletion asks to forget it.
        with self._lock:
            file = self._files.get(key)
            if file is None:
                file = self._files[key] = _OpenFile(key)
                while len(self._files) > self._limit:
                    self._files.popitem(last=False)
            else:
                self._files.move_to_end(key)
            return file


class _OpenFile:
    """A descriptor that is closed with its last reader."""

    __slots__ = ("descriptor",)

    def __init__(self, path: str) -> None:
        self.descriptor = -1
        self.descriptor = open_regular(path, os.O_RDONLY | os.O_CLOEXEC)

    def read(self, start: int, length: int) -> bytes:
        pieces: list[bytes] = []
        while length > 0:
            piece = os.pread(self.descriptor, min(length, _PIECE), start)
            if not piece:
                break
            pieces.append(piece)
            start += len(piece)
            length -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def __del__(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)


def open_regular(path: str, flags: int) -> int:
    """Return a descriptor of a regular file; CorruptionError for anything else, OSError."""
    # Opening a pipe would wait for its writer, and a device may do anything.
    descriptor = os.open(path, flags | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise not_regular(path)
    return descriptor
