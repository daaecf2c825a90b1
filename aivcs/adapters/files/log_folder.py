"""A public log as files below one folder."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from aivcs.adapters.files.durable import (
    FILE_MODE,
    make_folder,
    sync_folder,
    unique_name,
    write_all,
)
from aivcs.adapters.files.failures import translated
from aivcs.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WAIT_SECONDS: Final = 10.0
_PAUSE_SECONDS: Final = 0.002
_DRAFT: Final = ".draft"


class FileLogFolder:
    """The log below ``folder``, which is made when something is written."""

    def __init__(self, folder: Path, *, wait_seconds: float = WAIT_SECONDS) -> None:
        self._folder = folder
        self._wait_seconds = wait_seconds

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes, or None."""
        place = self._folder / path
        with translated(place):
            try:
                return place.read_bytes()
            except (FileNotFoundError, NotADirectoryError):
                return None

    def write(self, path: str, data: bytes, *, final: bool) -> None:
        """Write beside, then rename."""
        place = self._folder / path
        draft = place.with_name(unique_name(_DRAFT))
        with translated(place):
            try:
                descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
            except FileNotFoundError:
                make_folder(place.parent, self._folder)
                descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
            try:
                try:
                    write_all(descriptor, data)
                    if final:
                        os.fsync(descriptor)
                finally:
                    os.close(descriptor)
                draft.replace(place)
            except BaseException:
                draft.unlink(missing_ok=True)
                raise
            if final:
                sync_folder(place.parent)

    def remove(self, path: str) -> None:
        """Remove a folder."""
        place = self._folder / path
        with translated(place):
            if place.is_dir():
                shutil.rmtree(place)

    def paths(self) -> Iterator[str]:
        """Yield paths in order, but those of files that are being written."""
        with translated(self._folder):
            for found in sorted(self._folder.rglob("*")):
                if found.is_file() and not found.name.startswith(_DRAFT):
                    yield found.relative_to(self._folder).as_posix()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Lock the folder itself; the system lets go of it when the process ends."""
        with translated(self._folder):
            if not self._folder.is_dir():
                make_folder(self._folder, self._folder.parent)
            lock = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self._wait(lock)
            yield
        finally:
            os.close(lock)

    def _wait(self, lock: int) -> None:
        end = time.monotonic() + self._wait_seconds
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                if time.monotonic() > end:
                    msg = f"somebody has been writing {self._folder} for too long"
                    raise StorageError(msg, hint="the next publishing catches up") from error
                time.sleep(_PAUSE_SECONDS)
            else:
                return
