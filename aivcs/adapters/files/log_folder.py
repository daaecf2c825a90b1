"""A public log as files below one folder."""

from __future__ import annotations

import fcntl
import io
import os
import shutil
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aivcs.adapters.files.descriptors import open_regular
from aivcs.adapters.files.durable import FILE_MODE, sync_folder, unique_name, write_all
from aivcs.adapters.files.failures import storage_error, translated
from aivcs.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

WAIT_SECONDS: Final = 10.0
_PAUSE_SECONDS: Final = 0.002
_DRAFT: Final = ".draft"
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_NAMELESS: Final = os.O_WRONLY | getattr(os, "O_TMPFILE", 0) | os.O_CLOEXEC


class FileLogFolder:
    """The log below ``folder``, which is made when something is written."""

    def __init__(self, folder: Path, *, wait_seconds: float = WAIT_SECONDS) -> None:
        self._folder = folder
        self._root = str(folder)
        self._wait_seconds = wait_seconds
        self._named: set[Path] = set()

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes, or None."""
        place = f"{self._root}/{path}"
        try:
            with io.FileIO(place, opener=open_regular) as file:
                return file.readall()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise storage_error(Path(place), error) from error

    def write(self, path: str, data: bytes, *, final: bool) -> None:
        """Write beside, then give it its name; what has the name is replaced."""
        place = f"{self._root}/{path}"
        folder = os.path.dirname(place)  # noqa: PTH120 - a tenth of the time
        try:
            try:
                self._put(folder, place, data, final=final)
            except FileNotFoundError:
                # Without a sync: a folder that is lost is made again with what was in it.
                os.makedirs(folder, exist_ok=True)  # noqa: PTH103 - as above
                self._named.clear()
                self._put(folder, place, data, final=final)
            if final:
                self._sync(Path(folder))
        except OSError as error:
            raise storage_error(Path(place), error) from error

    def _put(self, folder: str, place: str, data: bytes, *, final: bool) -> None:
        # A file that is new needs no other name before: that is half of the work.
        if not os.path.lexists(place) and _put_new(folder, place, data, final=final):
            return
        draft = f"{folder}/{unique_name(_DRAFT)}"
        descriptor = os.open(draft, _NEW, FILE_MODE)
        try:
            try:
                _fill(descriptor, data, final=final)
            finally:
                os.close(descriptor)
            os.replace(draft, place)  # noqa: PTH105 - as above
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(draft)  # noqa: PTH108 - as above
            raise

    def _sync(self, folder: Path) -> None:
        """Make durable that a file is there, and that all folders on the way to it are."""
        sync_folder(folder)
        while folder not in self._named and folder != self._folder.parent.parent:
            sync_folder(folder.parent)
            self._named.add(folder)
            folder = folder.parent

    def remove(self, path: str) -> None:
        """Remove a folder with its files, or a file."""
        place = self._folder / path
        with translated(place):
            if place.is_dir():
                shutil.rmtree(place)
            else:
                place.unlink(missing_ok=True)

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
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
            try:
                lock = os.open(self._root, flags)
            except FileNotFoundError:
                os.makedirs(self._root, exist_ok=True)  # noqa: PTH103 - as above
                lock = os.open(self._root, flags)
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


def _put_new(folder: str, place: str, data: bytes, *, final: bool) -> bool:
    """Write a file that has no name until it is whole; False where that cannot be."""
    try:
        descriptor = os.open(folder, _NAMELESS, FILE_MODE)
    except FileNotFoundError:
        raise
    except OSError:
        return False  # the file system has no files without a name
    try:
        _fill(descriptor, data, final=final)
        # Where a folder is given, a link to the open file is followed.
        with suppress(OSError):
            os.link(f"/proc/self/fd/{descriptor}", place, src_dir_fd=descriptor)
            return True
    finally:
        os.close(descriptor)
    return False


def _fill(descriptor: int, data: bytes, *, final: bool) -> None:
    write_all(descriptor, data)
    if final:
        os.fsync(descriptor)
