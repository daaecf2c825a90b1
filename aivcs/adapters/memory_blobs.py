"""Blobs in memory, for repositories that need not last."""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING

from aivcs.domain.blobname import check_blob_name, check_range
from aivcs.errors import MissingObject, RepositoryClosed
from aivcs.ports import StorageBackend

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO, Self


class MemoryBlobs(StorageBackend):
    """A BlobStore in one dictionary; a closed store raises RepositoryClosed."""

    def __init__(self) -> None:
        self._blobs: dict[str, bytes] = {}
        self._lock = threading.Lock()
        self._closed = False

    def name(self) -> str:
        """Return ``memory``."""
        return "memory"

    def requires_network(self) -> bool:
        """Return False."""
        return False

    def health_check(self) -> None:
        """Raise RepositoryClosed when it is closed."""
        self._check_open()

    def stage(self, expected: int = 0) -> _StagedBytes:  # noqa: ARG002 - memory is all alike
        """Begin a blob."""
        self._check_open()
        return _StagedBytes(self)

    def open(self, name: str) -> BinaryIO:
        """Return a seekable file; MissingObject if there is none of this name."""
        return io.BytesIO(self._data(name))

    def read(self, name: str, start: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``start`` on. Raises like ``open``."""
        data = self._data(name)
        check_range(start, length)
        return data[start : start + length]

    def size(self, name: str) -> int:
        """Return how many bytes a blob has. Raises like ``open``."""
        return len(self._data(name))

    def settle(self, name: str) -> None:
        """Do nothing: memory is as durable as it gets."""
        self._check_open()
        check_blob_name(name)

    def exists(self, name: str) -> bool:
        """Tell whether a blob of this name is there."""
        self._check_open()
        return check_blob_name(name) in self._blobs

    def names(self) -> Iterator[str]:
        """Yield the names of all blobs, in order."""
        self._check_open()
        with self._lock:
            found = sorted(self._blobs)
        yield from found

    def delete(self, name: str) -> None:
        """Remove a blob; none of this name is no error."""
        self._check_open()
        with self._lock:
            self._blobs.pop(check_blob_name(name), None)

    def unfinished(self) -> list[tuple[str, int]]:
        """Find nothing: what was never published is gone with its writer."""
        self._check_open()
        return []

    def sweep(self) -> int:
        """Remove nothing."""
        self._check_open()
        return 0

    def close(self) -> None:
        """Refuse every further call; idempotent."""
        self._closed = True

    def keep(self, name: str, data: bytes) -> None:
        """Hold ``data`` under ``name`` unless the name is taken."""
        self._check_open()
        with self._lock:
            self._blobs.setdefault(check_blob_name(name), data)

    def _data(self, name: str) -> bytes:
        self._check_open()
        data = self._blobs.get(check_blob_name(name))
        if data is None:
            msg = f"no blob {name}"
            raise MissingObject(msg, hint="store its bytes again")
        return data

    def _check_open(self) -> None:
        if self._closed:
            msg = "the repository in memory is closed"
            raise RepositoryClosed(msg, hint="open it again")


class _StagedBytes:
    """A blob being collected."""

    def __init__(self, blobs: MemoryBlobs) -> None:
        self._blobs = blobs
        self._data = bytearray()

    def write(self, *pieces: bytes | memoryview) -> None:
        """Append each piece."""
        for data in pieces:
            self._data += data

    def publish(self, name: str) -> None:
        """Make the bytes visible under ``name``."""
        self._blobs.keep(name, bytes(self._data))

    def __enter__(self) -> Self:
        """Return self."""
        return self

    def __exit__(self, *_: object) -> None:
        """Forget the collected bytes."""
        self._data.clear()
