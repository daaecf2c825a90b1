"""Blobs as files: each name is a path below one folder, written once."""

from __future__ import annotations

import io
import os
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from aivcs.adapters.files.descriptors import OpenFiles, open_regular
from aivcs.adapters.files.drafts import stale
from aivcs.adapters.files.durable import make_folder, sync_folder
from aivcs.adapters.files.failures import NO_FILE, not_regular, reading, translated
from aivcs.adapters.files.staged import SUFFIX, StagedFile
from aivcs.adapters.files.whole import check_link
from aivcs.domain.blobname import check_blob_name, check_range
from aivcs.errors import MissingObject, RepositoryClosed
from aivcs.ports import StorageBackend

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from _typeshed import WriteableBuffer


class FileBlobs(StorageBackend):
    """A BlobStore over the folder ``root``; blobs are staged in ``staging``.

    Both folders must lie on one file system. They are created when something is written
    into them. Every OSError becomes a StorageError, that of a read Unreadable; a closed
    store raises RepositoryClosed.
    """

    def __init__(self, root: Path, staging: Path) -> None:
        self.root = root
        self.staging = staging
        self._closed = False
        self._swept = False
        self._files = OpenFiles()

    def name(self) -> str:
        """Return ``files``."""
        return "files"

    def requires_network(self) -> bool:
        """Return False."""
        return False

    def health_check(self) -> None:
        """Write into both folders, and see that 64 MiB are free. Raises StorageError."""
        from aivcs.adapters.files.health import check_one_disk, check_space, check_writable

        self._check_open()
        for folder in (self.root, self.staging):
            check_link(folder)
            check_writable(folder)
        check_one_disk(self.root, self.staging)
        check_space(self.root)

    def stage(self, expected: int = 0) -> StagedFile:
        """Begin a blob; the first of a store clears away what dead writers left."""
        self._check_open()
        if not self._swept:
            self._swept = True
            self.sweep()
        return StagedFile(self.staging, self._target, expected)

    def open(self, name: str) -> BinaryIO:
        """Return a seekable file.

        Raises MissingObject if there is none of this name, CorruptionError where a folder,
        pipe or device has its place.
        """
        path = self._path(name)
        with _present(path):
            return io.BufferedReader(_BlobFile(path))

    def read(self, name: str, start: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``start`` on, fewer only at the blob's end.

        Raises like ``open``. A file that was read stays open until it is deleted, the
        store is closed, or 64 others were read since.
        """
        path = self._path(name)
        check_range(start, length)
        with _present(path):
            return self._files.read(path, start, length)

    def size(self, name: str) -> int:
        """Return how many bytes a blob has. Raises like ``open``."""
        path = self._path(name)
        with _present(path):
            status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise not_regular(path)
        return status.st_size

    def settle(self, name: str) -> None:
        """Sync the folder; the file was synced before it had its name."""
        path = self._path(name)
        with translated(path):
            if path.is_file():
                sync_folder(path.parent)

    def exists(self, name: str) -> bool:
        """Tell whether a file of this name is there."""
        path = self._path(name)
        with reading(path):
            return path.is_file()

    def names(self) -> Iterator[str]:
        """Yield the names of all files below the folder in order, foreign ones too."""
        self._check_open()
        found: list[str] = []
        check_link(self.root)
        with reading(self.root):
            if self.root.exists():
                for folder, _, files in os.walk(self.root, onerror=_raise):
                    inner = Path(folder).relative_to(self.root)
                    found.extend((inner / file).as_posix() for file in files)
        yield from sorted(found)

    def delete(self, name: str) -> None:
        """Remove a file, durably; none of this name is no error, a folder is (CorruptionError)."""
        path = self._path(name)
        with translated(path):
            try:
                path.unlink()
            except (FileNotFoundError, NotADirectoryError):
                return
            except IsADirectoryError:
                raise not_regular(path) from None
            finally:
                self._files.forget(path)
            sync_folder(path.parent)

    def unfinished(self) -> list[tuple[str, int]]:
        """Return the names and bytes of the staged files whose writer is dead."""
        self._check_open()
        found: list[tuple[str, int]] = []
        with translated(self.staging):
            for path in sorted(self.staging.glob(f"*{SUFFIX}")):
                with stale(path) as size:
                    if size is not None:
                        found.append((path.name, size))
        return found

    def sweep(self) -> int:
        """Remove staged files whose writer is dead; return how many there were."""
        self._check_open()
        removed = 0
        with translated(self.staging):
            for path in sorted(self.staging.glob(f"*{SUFFIX}")):
                with stale(path) as size:
                    if size is not None:
                        path.unlink(missing_ok=True)
                        removed += 1
        return removed

    def close(self) -> None:
        """Refuse every further call; idempotent."""
        self._closed = True
        self._files.close()

    def _path(self, name: str) -> Path:
        self._check_open()
        return self.root / check_blob_name(name)

    def _target(self, name: str) -> Path:
        path = self._path(name)
        with translated(path.parent):
            if not path.exists():
                check_link(self.root)
                make_folder(path.parent, self.root)
        return path

    def _check_open(self) -> None:
        if self._closed:
            msg = f"the repository of {self.root} is closed"
            raise RepositoryClosed(msg, hint="open it again")


class _BlobFile(io.FileIO):
    """A file whose failing reads are storage errors, whoever reads."""

    def __init__(self, path: Path) -> None:
        self._place = path
        super().__init__(path, "rb", opener=open_regular)

    def readinto(self, buffer: WriteableBuffer, /) -> int | None:
        with reading(self._place):
            return super().readinto(buffer)

    def readall(self) -> bytes:
        with reading(self._place):
            return super().readall()


@contextmanager
def _present(path: Path) -> Iterator[None]:
    """Say of an absent file that it is missing, and of what is no file that it is none."""
    with reading(path):
        try:
            yield
        except (FileNotFoundError, NotADirectoryError) as error:
            msg = f"no file {path}"
            raise MissingObject(msg, hint="restore it from a copy") from error
        except OSError as error:
            if error.errno not in NO_FILE:
                raise
            raise not_regular(path) from error


def _raise(error: OSError) -> None:
    if error.filename is None:
        raise error
    with reading(Path(error.filename)):
        raise error
