"""Write a folder so that it is there whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aivcs.adapters.folder.failures import translated
from aivcs.domain.spec import check_path
from aivcs.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike

_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


def write(
    directory: str | PathLike[str], files: Iterable[tuple[str, bool, Iterable[bytes]]]
) -> None:
    """Write (path, executable, pieces of content) into a new folder, durably.

    The folder must be absent or empty, else InvalidInputError. Everything is written beside
    it and renamed at the end, so an error (StorageError, or what ``files`` raises) leaves
    nothing behind. Modes are 0755 for folders and executables, 0644 for other files.
    """
    with translated("write"):
        target = Path(directory).resolve()
        _check_target(target, directory)
        target.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".aivcs-", dir=target.parent))
    try:
        for path, executable, pieces in files:
            with translated("write"):
                place = staging / check_path(path)
                place.parent.mkdir(parents=True, exist_ok=True)
                opened = os.open(place, _NEW, 0o600)
            with os.fdopen(opened, "wb") as file:
                for piece in pieces:
                    with translated("write"):
                        file.write(piece)
                with translated("write"):
                    file.flush()
                    os.fchmod(opened, 0o755 if executable else 0o644)
                    os.fsync(opened)
        with translated("write"):
            _settle(staging)
            staging.rename(target)
            _fsync(target.parent)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise


def _check_target(target: Path, named: str | PathLike[str]) -> None:
    if not os.path.lexists(target):
        return
    if not target.is_dir() or any(target.iterdir()):
        msg = f"{os.fspath(named)!r} is there already and not an empty folder"
        raise InvalidInputError(msg, hint="name a new folder; nothing is ever overwritten")
    if target == Path.cwd():
        msg = f"{str(target)!r} is the folder you are in, and would be replaced under you"
        raise InvalidInputError(msg, hint="name a new folder")


def _settle(staging: Path) -> None:
    for folder, _folders, _files in os.walk(staging):
        Path(folder).chmod(0o755)
        _fsync(Path(folder))


def _fsync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
