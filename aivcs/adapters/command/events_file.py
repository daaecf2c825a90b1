"""The file that a command appends its events to, read while it grows."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from aivcs.domain.observation import EventLine
from aivcs.errors import AivcsError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Self

LONGEST_LINE: Final = 16 * 2**20
_PIECE: Final = 64 * 2**10
_AT_ONCE: Final = 2**20


class EventsFile:
    """A new, empty file at ``path`` that only its owner may read.

    It stays when the watcher dies or fails; ``remove`` is called after a clean end. Raises
    StorageError.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offset = 0
        self._line = bytearray()
        self._number = 1
        self._is_cut = False
        self.behind = False
        """Whether the file held more than the last call of ``lines`` gave."""
        with _translated(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            self._descriptor = os.open(path, flags, 0o600)

    def lines(self, *, ended: bool = False) -> Iterator[EventLine]:
        """Yield the lines that were added since, up to about 1 MiB of them.

        Blank lines only count. With ``ended``, everything that is there, also a last line
        without an end. A file that became shorter, or another one in its place, is read
        from its beginning. Raises StorageError.
        """
        size = self._size()
        if size == self._offset and self._is_replaced():
            yield from self._take()
            self._reopen()
            size = self._size()
        if size < self._offset:
            self._offset = 0
            self._line.clear()
            self._is_cut = False
        limit = size if ended else min(size, self._offset + _AT_ONCE)
        self.behind = limit < size
        while self._offset < limit and (data := self._read(limit - self._offset)):
            self._offset += len(data)
            yield from self._split(data)
        if ended:
            yield from self._take()

    def _size(self) -> int:
        with _translated(self.path):
            return os.fstat(self._descriptor).st_size

    def _is_replaced(self) -> bool:
        with _translated(self.path):
            try:
                there = self.path.stat()
            except FileNotFoundError:
                return False
            return not os.path.samestat(there, os.fstat(self._descriptor))

    def _reopen(self) -> None:
        with _translated(self.path):
            fresh = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        os.close(self._descriptor)
        self._descriptor = fresh
        self._offset = 0
        self._is_cut = False

    def _read(self, left: int) -> bytes:
        with _translated(self.path):
            return os.pread(self._descriptor, min(_PIECE, left), self._offset)

    def _split(self, data: bytes) -> Iterator[EventLine]:
        *ends, rest = data.split(b"\n")
        for end in ends:
            self._line += end
            yield from self._take()
            self._number += 1
            self._is_cut = False
        self._line += rest
        if len(self._line) > LONGEST_LINE:
            self._is_cut = True
            yield from self._take()

    def _take(self) -> Iterator[EventLine]:
        line = bytes(self._line)
        self._line.clear()
        if line if self._is_cut else line.strip():
            yield EventLine(line, self._number, whole=not self._is_cut)

    def remove(self) -> None:
        """Delete the file; one that cannot be deleted does no harm and stays."""
        with suppress(OSError):
            self.path.unlink()

    def __enter__(self) -> Self:
        """Return self."""
        return self

    def __exit__(self, _: object, error: BaseException | None, *rest: object) -> None:
        """Close the file; it stays where it is, and an error's hint says where that is."""
        os.close(self._descriptor)
        if not isinstance(error, AivcsError):
            return
        with suppress(OSError):
            if self.path.stat().st_size:
                kept = f"the events that the command noted are kept in {self.path}"
                error.hint = f"{error.hint}; {kept}" if error.hint else kept


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        msg = f"the events file {path} failed: {error.strerror or error}"
        raise StorageError(msg, hint="check the disk, its free space and the folder") from error
