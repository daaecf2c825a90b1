"""The one place where errors of the operating system become errors of aivcs."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from aivcs.errors import CorruptionError, StorageError, Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_DENIED: Final = frozenset({errno.EACCES, errno.EPERM})
_NO_ROOM_HERE: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})
NO_FILE: Final = frozenset({errno.ENXIO, errno.ELOOP, errno.ENODEV})
"""What the system says of sockets, of links that go round, of devices without a driver."""


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise an OSError of the block as StorageError that names ``path``."""
    try:
        yield
    except OSError as error:
        raise storage_error(path, error) from error


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Raise an OSError of the block, which only reads ``path``, as Unreadable that names it.

    What this process has too few of, say descriptors, is no fault of the file: StorageError.
    """
    try:
        yield
    except OSError as error:
        failed = storage_error(path, error)
        if error.errno in _NO_ROOM_HERE:
            raise failed from error
        raise Unreadable(failed.message, hint=failed.hint) from error


def storage_error(path: Path, error: OSError) -> StorageError:
    """Return what to raise for an error of the operating system at ``path``."""
    if error.errno in _FULL:
        msg = f"no space left to write {path}: {error.strerror}"
        return StorageError(msg, hint="free some space; what did not fit was not kept")
    if error.errno == errno.EFBIG:
        msg = f"{path} may not become so long: {error.strerror}"
        return StorageError(
            msg, hint="'ulimit -f' shows and raises the limit; what did not fit was not kept"
        )
    if error.errno in _DENIED:
        msg = f"no permission for {path}: {error.strerror}"
        return StorageError(msg, hint="check who owns the folder and which modes it has")
    if error.errno == errno.EROFS:
        msg = f"{path} lies on a read-only file system"
        return StorageError(msg, hint="mount it writable, or work on a copy of the repository")
    msg = f"{path} failed: {error.strerror or error}"
    return StorageError(msg, hint="check the disk; the action may be repeated")


def other_disk(folder: Path, staging: Path) -> StorageError:
    """Return what to raise where files cannot be moved from ``staging`` into ``folder``."""
    place = folder.resolve()
    truly = "" if place == folder else f" leads to {place} and"
    msg = f"{folder}{truly} is on another file system than {staging}"
    return StorageError(
        msg, hint="move the whole of .aivcs to one file system; a link may lead to it from here"
    )


def not_regular(path: Path | str) -> CorruptionError:
    """Return what to raise where something else has the place of a file."""
    return CorruptionError(
        f"{path} is not a regular file", hint="move it away, then restore the file from a copy"
    )
