"""Whether a folder takes files, and how much room there is."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Final

from aivcs.adapters.files.durable import FILE_MODE, unique_name, write_all
from aivcs.adapters.files.failures import other_disk, translated
from aivcs.errors import StorageError

if TYPE_CHECKING:
    from pathlib import Path

LEAST_FREE: Final = 64 * 2**20
"""With fewer free bytes than these the next pack may not fit."""


def free_bytes(folder: Path) -> int:
    """Return how many bytes may be written where ``folder`` is, or will be.

    Raises StorageError.
    """
    with translated(folder):
        status = os.statvfs(_present(folder))
    return status.f_bavail * status.f_frsize


def check_space(folder: Path) -> None:
    """Raise StorageError where fewer than 64 MiB are free."""
    free = free_bytes(folder)
    if free < LEAST_FREE:
        msg = f"only {free} bytes are free for {folder}"
        raise StorageError(msg, hint=f"free some space: {LEAST_FREE} bytes are the least")


def check_writable(folder: Path) -> None:
    """Write a file into ``folder``, or into the nearest one above that exists; remove it.

    Raises StorageError.
    """
    path = _present(folder) / unique_name(".probe")
    with translated(path):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
        try:
            write_all(descriptor, b"written by aivcs to see whether it can be")
        finally:
            os.close(descriptor)
            path.unlink(missing_ok=True)


def check_one_disk(folder: Path, staging: Path) -> None:
    """Link a file of ``staging`` into ``folder``, as every blob is; remove both names.

    Raises StorageError where they are on two file systems.
    """
    source = _present(staging) / unique_name(".probe")
    target = _present(folder) / unique_name(".probe")
    with translated(source):
        source.touch()
        try:
            os.link(source, target)
        except OSError as error:
            # A file system that has no links is served without.
            if error.errno == errno.EXDEV:
                raise other_disk(folder, staging) from error
        finally:
            for path in (source, target):
                path.unlink(missing_ok=True)


def _present(folder: Path) -> Path:
    return next(place for place in (folder, *folder.parents) if place.exists())
