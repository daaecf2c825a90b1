"""A blob on its way: a locked file in the staging folder, linked to its name at the end."""

from __future__ import annotations

import errno
import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from aivcs.adapters.files.durable import FILE_MODE, lock, sync_folder, unique_name, write_all
from aivcs.adapters.files.failures import not_regular, other_disk, translated
from aivcs.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Self

    from aivcs.adapters.files.uncached import Uncached

SUFFIX: Final = ".part"
_SYNC_BYTES: Final = 32 * 2**20
_LONG: Final = 64 * 2**20
"""A file that is longer, as no pack is, goes past the page cache: from its beginning where
that is known, else from here on.
"""

_NO_LINKS: Final = frozenset({errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK})


class StagedFile:
    """One blob being written to ``staging``; ``target`` gives the path for a name.

    The file is locked while its writer lives, so that a sweep takes only what a dead
    process left. Raises StorageError.
    """

    def __init__(self, staging: Path, target: Callable[[str], Path], expected: int = 0) -> None:
        self._target = target
        self._cached = 0 if expected > _LONG else _LONG
        with translated(staging):
            self._path, self._descriptor = _create(staging)
        self._dirty = True
        self._size = 0
        self._written = 0
        self._uncached: Uncached | None = None
        self._sync_ahead: threading.Thread | None = None
        self._failure: OSError | None = None
        self._writing = threading.Lock()
        self._closed = False

    def write(self, *pieces: bytes | memoryview) -> None:
        """Append each piece; StorageError when the disk is full or fails.

        After 32 MiB a thread begins to make durable what is there, so that the disk works
        while more is written; what is longer than 64 MiB goes to the disk at once.
        """
        # Whoever writes too late must not reach a file that has got the descriptor's number.
        with self._writing, translated(self._path):
            if self._closed:
                raise OSError(errno.EBADF, "it was given up")
            self._dirty = True
            for data in pieces:
                self._append(memoryview(data))
        ahead = self._sync_ahead
        if self._written >= _SYNC_BYTES and (ahead is None or not ahead.is_alive()):
            self._written = 0
            thread = threading.Thread(target=self._sync_data, daemon=True)
            # Where there can be no more threads, all is synced at the end.
            with suppress(RuntimeError):
                thread.start()
                self._sync_ahead = thread

    def _append(self, data: memoryview) -> None:
        head = data[: self._cached - self._size]
        if head:
            write_all(self._descriptor, head)
            self._size += len(head)
            self._written += len(head)
        if len(head) < len(data):
            self._write_past(data[len(head) :])

    def _write_past(self, data: memoryview) -> None:
        if self._uncached is None:
            from aivcs.adapters.files.uncached import Uncached

            self._uncached = Uncached(self._descriptor)
        self._uncached.write(data)

    def publish(self, name: str) -> None:
        """Link the durable file to ``name``; a present file is left as it is.

        Raises CorruptionError where something else has its place.
        """
        target = self._target(name)
        with translated(target):
            if not target.is_file():
                self._sync()
                self._link(target)
            sync_folder(target.parent)

    def _sync(self) -> None:
        self._join()
        if self._failure is not None:
            # The kernel may have dropped the pages of a failed fsync; a second one that
            # succeeds proves nothing.
            msg = f"{self._path} could not be made durable: {self._failure.strerror}"
            raise StorageError(
                msg, hint="check the disk; the action may be repeated"
            ) from self._failure
        if self._dirty:
            try:
                if self._uncached is not None:
                    self._uncached.finish()
                os.fsync(self._descriptor)
            except OSError as error:
                self._failure = error
                raise
            self._dirty = False

    def _sync_data(self) -> None:
        try:
            os.fdatasync(self._descriptor)
        except OSError as error:
            self._failure = error

    def _join(self) -> None:
        if self._sync_ahead is not None:
            self._sync_ahead.join()

    def _link(self, target: Path) -> None:
        try:
            os.link(self._path, target)
        except FileExistsError:
            if not target.is_file():
                raise not_regular(target) from None
        except OSError as error:
            if error.errno == errno.EXDEV:
                raise other_disk(target.parent, self._path.parent) from error
            if error.errno not in _NO_LINKS:
                raise
            # A file system without hard links. Whoever published the name meanwhile
            # wrote the same content, so replacing it does no harm.
            self._path.replace(target)

    def __enter__(self) -> Self:
        """Return self."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the staged name; a published blob has its own."""
        try:
            self._join()
            self._path.unlink(missing_ok=True)
        except OSError:
            # What is left behind is swept later; the blob itself is safe or was refused.
            return
        finally:
            with self._writing:
                self._closed = True
                os.close(self._descriptor)


def _create(staging: Path) -> tuple[Path, int]:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    while True:
        path = staging / (unique_name("blob") + SUFFIX)
        try:
            descriptor = os.open(path, flags, FILE_MODE)
        except FileNotFoundError:
            staging.mkdir(parents=True, exist_ok=True)
            continue
        # A sweep may have met the file before it was locked, and removed it.
        if lock(descriptor) and os.fstat(descriptor).st_nlink:
            return path, descriptor
        os.close(descriptor)
