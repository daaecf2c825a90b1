"""The repository's folder: where it is, which format it has, how it is made."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from itertools import takewhile
from typing import TYPE_CHECKING, Final

from aivcs.adapters.files.drafts import sweep_drafts
from aivcs.adapters.files.durable import write_atomically
from aivcs.adapters.files.failures import translated
from aivcs.adapters.files.whole import check_link, is_there
from aivcs.errors import CorruptionError, NoRepository, RepositoryTooNew

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FOLDER: Final = ".aivcs"
LEDGER: Final = "aivcs.db"
FORMAT: Final = 1


def locate(start: Path, *, upward: bool) -> Path:
    """Return the repository's folder at ``start`` or, going ``upward``, above it.

    ``start`` may be the folder itself, or a copy of it under another name. Raises
    NoRepository, RepositoryTooNew, CorruptionError, and StorageError for a link that leads
    nowhere.
    """
    start = start.absolute()
    for place in (start, *(start.parents if upward else ())):
        folder = place if place.name == FOLDER or _is_copy(place) else place / FOLDER
        if is_there(folder / "format"):
            check_format(folder)
            return folder
        check_link(folder)
    where = f"in {start} or above it" if upward else f"in {start}"
    msg = f"no repository {where}"
    raise NoRepository(msg, hint="'aivcs init' makes one; --repo or AIVCS_DIR choose one")


def _is_copy(place: Path) -> bool:
    return (place / "format").is_file() and (place / LEDGER).is_file()


def check_format(folder: Path) -> None:
    """Refuse a format this program does not know, by its name.

    Raises RepositoryTooNew, and CorruptionError for a file that names no format.
    """
    with translated(folder / "format"):
        text = (folder / "format").read_bytes().decode("ascii", "replace").strip()
    if not (text.isascii() and text.isdigit()):
        msg = f"{folder}/format holds no format number: {text[:40]!r}"
        raise CorruptionError(msg, hint=f"it should hold {FORMAT}; restore it from a copy")
    if text != str(FORMAT):
        msg = f"{folder} has format {text[:40]}; this aivcs knows format {FORMAT}"
        raise RepositoryTooNew(msg, hint="install the aivcs that wrote it, or a newer one")


def create(place: Path, fill: Callable[[Path], None], config: str) -> tuple[Path, bool]:
    """Make the repository's folder in ``place`` and tell whether it is new.

    ``fill`` makes what lies inside, ``config`` is the text of ``config.toml``. The file
    ``format`` is written last and makes the repository one; a lock on the folder lets one
    of several processes do the work. Raises StorageError, RepositoryTooNew, and whatever
    ``fill`` does; the folders that were made for it are removed then.
    """
    place = place.absolute()
    folder = place if place.name == FOLDER else place / FOLDER
    with translated(folder):
        made = list(takewhile(lambda one: not one.exists(), (folder, *folder.parents)))
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            if not is_there(folder / "format"):
                fcntl.flock(lock, fcntl.LOCK_EX)
            if is_there(folder / "format"):
                check_format(folder)
                return folder, False
            sweep_drafts(folder)
            try:
                fill(folder)
            except BaseException:
                with suppress(OSError):
                    for one in made or (folder,):
                        one.rmdir()
                raise
            write_atomically(folder / ".gitignore", b"*\n")
            write_atomically(folder / "config.toml", config.encode())
            write_atomically(folder / "format", f"{FORMAT}\n".encode())
        finally:
            os.close(lock)
    return folder, True
