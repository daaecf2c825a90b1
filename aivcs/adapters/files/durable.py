"""What makes a change of a folder survive a power cut."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from aivcs.adapters.files.failures import translated

if TYPE_CHECKING:
    from pathlib import Path

_RANDOM_BYTES: Final = 8
FILE_MODE: Final = 0o666
"""Before the umask, as every program creates files that are meant to be shared."""


def unique_name(stem: str) -> str:
    """Return ``stem`` with the process's id and 16 random hex characters."""
    return f"{stem}.{os.getpid()}.{os.urandom(_RANDOM_BYTES).hex()}"


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write every byte; the operating system may take fewer at a time. Raises OSError."""
    with memoryview(data) as view:
        done = 0
        while done < len(view):
            done += os.write(descriptor, view[done:])


def lock(descriptor: int) -> bool:
    """Take the file's lock if nobody has it; it lasts as long as the file is open."""
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def sync_folder(folder: Path) -> None:
    """Make the folder's list of names durable. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path, top: Path) -> None:
    """Create ``folder`` and its missing parents, and make them durable up to ``top``'s parent.

    Parents that exist are synced too: another process may have created them an instant
    ago. Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    while True:
        sync_folder(folder.parent)
        if folder == top:
            return
        folder = folder.parent


def write_atomically(path: Path, data: bytes) -> None:
    """Replace the file at ``path`` by ``data`` in one step, durably.

    A reader sees the old bytes or the new ones, also after a power cut. Raises
    StorageError; then the old file is as it was.
    """
    with translated(path):
        draft, descriptor = _draft(path)
        try:
            try:
                write_all(descriptor, data)
                os.fsync(descriptor)
                draft.replace(path)
            finally:
                os.close(descriptor)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def _draft(path: Path) -> tuple[Path, int]:
    """Make the file that becomes ``path``, locked so that no sweep takes it while we live."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    while True:
        draft = path.with_name(unique_name(f".{path.name}"))
        descriptor = os.open(draft, flags, FILE_MODE)
        try:
            locked = lock(descriptor)
        except OSError:
            locked = True  # where there are no locks no sweep gets one either
        # A sweep may have met the file before it was locked, and removed it.
        if locked and os.fstat(descriptor).st_nlink:
            return draft, descriptor
        os.close(descriptor)
