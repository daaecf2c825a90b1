"""Errors of the operating system, translated in one place."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from aivcs.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

_HINTS: Final = {
    errno.EACCES: "check the permissions of the folder and of those above it",
    errno.EPERM: "check the permissions of the folder and of those above it",
    errno.EROFS: "the file system is read-only; choose another folder",
    errno.ENOSPC: "free some space, then try again; nothing was left behind",
    errno.EDQUOT: "free some space, then try again; nothing was left behind",
    errno.EFBIG: "'ulimit -f' shows and raises the limit of files' sizes",
}


@contextmanager
def translated(action: str) -> Iterator[None]:
    """Turn an OSError into a StorageError that says what was being done, and where."""
    try:
        yield
    except OSError as error:
        place = f" {error.filename!r}" if error.filename else ""
        msg = f"cannot {action}{place}: {error.strerror or error}"
        raise StorageError(msg, hint=_HINTS.get(error.errno or 0)) from error
