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
    draft = path.with_name(unique_name(f".{path.name}"))
    with translated(path):
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
        try:
            try:
                write_all(descriptor, data)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)
