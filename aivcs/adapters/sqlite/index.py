"""The index of SQLite's log, which processes share: its space is taken before it is used.

SQLite writes one byte in each 4 KiB of it and maps it. In a file system of smaller blocks the
rest has no space yet, and on a full disk the system kills who touches that (SIGBUS).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

STEP: Final = 4096
_ROOM: Final = 64 * 2**10
_PART: Final = 32 * 2**10
_PER_LOG: Final = 32 * 2**20
"""For so much of the log another part of the index is needed."""
_OPENED: Final = "/proc/self/fd"


def fits(log: Path) -> bool:
    """Tell whether the index of ``log`` can be had whole, before SQLite makes or maps it."""
    try:
        found = os.statvfs(log.parent)
    except OSError:
        return True  # SQLite says better what is wrong with the folder
    if found.f_bsize >= STEP:
        return True
    # Whoever comes first makes it anew, and so has the space of the old one.
    free = found.f_bavail * found.f_frsize + _taken(_index(log))
    return free >= _ROOM * (1 + _size(log) // _PER_LOG)


def claim(log: Path, opened: str = _OPENED) -> bool:
    """Give the index, which SQLite has open, its space and more; False where the disk is full.

    Through SQLite's own descriptor: closing another one would end the locks on the file.
    Where the system does not name descriptors, nothing is done.
    """
    index = _index(log)
    if os.statvfs(log.parent).f_bsize >= STEP or not index.exists():
        return True
    # A part more than the log needs, because the commit that begins one cannot wait for it.
    size = max(_size(index), _PART * (2 + _size(log) // _PER_LOG))
    if _taken(index) >= size:
        return True
    for name in _descriptors(Path(opened), index.resolve()):
        try:
            os.posix_fallocate(name, 0, size)
        except OSError:
            return False
    return True


def _descriptors(opened: Path, file: Path) -> list[int]:
    try:
        return [int(link.name) for link in opened.iterdir() if _target(link) == file]
    except OSError:
        return []


def _index(log: Path) -> Path:
    return log.with_name(log.name.removesuffix("-wal") + "-shm")


def _target(link: Path) -> Path | None:
    try:
        return link.readlink()
    except OSError:
        return None


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _taken(path: Path) -> int:
    return path.stat().st_blocks * 512 if path.exists() else 0
