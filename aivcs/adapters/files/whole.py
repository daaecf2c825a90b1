"""Short files that are read whole, and may be absent: what is there instead is never overlooked."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from aivcs.adapters.files.descriptors import open_regular
from aivcs.adapters.files.failures import NO_FILE, not_regular, translated
from aivcs.errors import StorageError

if TYPE_CHECKING:
    from pathlib import Path


def read_whole(path: Path) -> bytes | None:
    """Return a file's bytes, or None where nothing has its name.

    Raises CorruptionError where what is no file has its place, and StorageError, also where
    it is a link that leads nowhere.
    """
    with translated(path):
        try:
            descriptor = open_regular(str(path), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            check_link(path)
            return None
        except OSError as error:
            if error.errno not in NO_FILE:
                raise
            check_link(path)
            raise not_regular(path) from error
        with os.fdopen(descriptor, "rb") as file:
            return file.read()


def is_there(path: Path) -> bool:
    """Tell whether a file has this name. Raises as ``read_whole``."""
    if path.is_file():
        return True
    check_link(path)
    if os.path.lexists(path):
        raise not_regular(path)
    return False


def check_link(path: Path) -> None:
    """Raise StorageError for a link to something that is not there."""
    if path.is_symlink() and not path.exists():
        # Whoever took it for absent would act by the defaults: the disk may only be away.
        msg = f"{path} is a link to {path.readlink()}, and nothing is there"
        raise StorageError(msg, hint="bring back what it leads to, or remove the link")
