"""Blobs as objects of a bucket: each name is a key below one prefix, written once."""

from __future__ import annotations

import io
import os
import threading
from typing import TYPE_CHECKING, BinaryIO, Final

from aivcs.adapters.s3.failures import translated
from aivcs.adapters.s3.reading import RangedFile
from aivcs.adapters.s3.spool import Spooled
from aivcs.domain.blobname import check_blob_name, check_range
from aivcs.errors import MissingObject, RepositoryClosed, StorageError
from aivcs.ports import StorageBackend

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from obstore.store import S3Store

    from aivcs.adapters.s3.bucket import Bucket

MARK: Final = "repository"
"""The key, below the prefix, that says that the place belongs to a repository."""

_READ_AHEAD: Final = 2**20
_LONGEST: Final = 2**40


class S3Blobs(StorageBackend):
    """A BlobStore over a bucket; blobs are collected in the local folder ``spool``.

    Nothing is sent before the first use. Every error of the server or the network becomes
    a StorageError within about the bucket's patience; a closed store and one that was
    inherited through a fork raise RepositoryClosed. A blob that was published is as
    durable as the server makes it.
    """

    def __init__(self, bucket: Bucket, spool: Path) -> None:
        self.bucket = bucket
        self.address = bucket.address
        self.spool = spool
        self._lock = threading.Lock()
        self._client: S3Store | None = None
        self._process = os.getpid()
        self._closed = False

    def name(self) -> str:
        """Return ``s3``."""
        return "s3"

    def requires_network(self) -> bool:
        """Return True, wherever the server is."""
        return True

    def health_check(self) -> None:
        """Write a key on a condition, read, list and delete it.

        Raises Unreachable, StorageError.
        """
        from aivcs.adapters.s3.probe import prove

        self._check_open()
        prove(self.bucket)

    def stage(self, expected: int = 0) -> Spooled:  # noqa: ARG002 - it is the same for all
        """Begin a blob."""
        self._check_open()
        return Spooled(self.spool, self._send)

    def open(self, name: str) -> BinaryIO:
        """Return a seekable file that is read in requests of 1 MiB or more.

        MissingObject if there is none of this name.
        """
        size = self.size(name)
        return io.BufferedReader(
            RangedFile(size, lambda start, length: self.read(name, start, length)), _READ_AHEAD
        )

    def read(self, name: str, start: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``start`` on, in one request. Raises like ``open``."""
        key = self._key(name)
        check_range(start, length)
        if not length:
            self.size(name)
            return b""
        import obstore

        try:
            with translated(self.address, name):
                wanted = min(length, _LONGEST)
                return bytes(obstore.get_range(self._store, key, start=start, length=wanted))
        except MissingObject:
            raise
        except StorageError:
            # A range behind the end is refused; so is much else.
            if start < self.size(name):
                raise
            return b""

    def size(self, name: str) -> int:
        """Return how many bytes a blob has. Raises like ``open``."""
        size = self._head(name)
        if size is not None:
            return size
        # The answer to a HEAD does not say whether it is the bucket that is missing.
        return self._ask(name)

    def settle(self, name: str) -> None:
        """Do nothing: what the server acknowledged it keeps, or it does not."""
        self._check_open()
        check_blob_name(name)

    def exists(self, name: str) -> bool:
        """Tell whether a blob of this name is there."""
        try:
            self.size(name)
        except MissingObject:
            return False
        return True

    def names(self) -> Iterator[str]:
        """Yield the names of all blobs below the prefix in order, foreign ones too."""
        import obstore

        self._check_open()
        prefix = self.address.prefix or None
        with translated(self.address):
            pages = obstore.list(self._store, prefix=prefix)
            found = [self.address.name(item["path"]) for page in pages for item in page]
        # Not every server lists in the order of the whole keys.
        yield from sorted(name for name in found if name != MARK)

    def delete(self, name: str) -> None:
        """Remove a blob; none of this name is no error."""
        import obstore

        key = self._key(name)
        try:
            with translated(self.address, name):
                obstore.delete(self._store, key)
        except MissingObject:
            return

    def unfinished(self) -> list[tuple[str, int]]:
        """Find nothing: a spooled file has no name, and is gone with its writer."""
        self._check_open()
        return []

    def sweep(self) -> int:
        """Remove nothing."""
        self._check_open()
        return 0

    def close(self) -> None:
        """Refuse every further call; idempotent."""
        self._closed = True

    def _send(self, name: str, file: BinaryIO, size: int) -> None:
        """Upload a file under a name, unless the name is taken."""
        import obstore

        from aivcs.adapters.s3.multipart import PART_SIZE, Upload

        key = self._key(name)
        if self._head(name) is not None:
            return
        if size <= PART_SIZE:
            with translated(self.address, name):
                obstore.put(self._store, key, os.pread(file.fileno(), size, 0))
        else:
            Upload(self.bucket, self._store).send(name, file, size)
        there = self._head(name)
        if there != size:
            self.delete(name)
            msg = f"{name} arrived in {self.address} with {there} of {size} bytes"
            raise StorageError(msg, hint="repeat the action; nothing wrong was kept")

    def _head(self, name: str) -> int | None:
        """Return the size of a blob; None if it, or the bucket, is not there."""
        import obstore
        from obstore.exceptions import PermissionDeniedError, UnauthenticatedError

        key = self._key(name)
        with translated(self.address, name):
            try:
                return obstore.head(self._store, key)["size"]
            except FileNotFoundError:
                return None
            except (PermissionDeniedError, UnauthenticatedError):
                # Nor does it say what is wrong with the keys.
                return self._ask(name)

    def _ask(self, name: str) -> int:
        """Return the size of a blob by a request whose refusal gives reasons."""
        import obstore

        with translated(self.address, name):
            return obstore.get(self._store, self._key(name)).meta["size"]

    def _key(self, name: str) -> str:
        self._check_open()
        return self.address.key(check_blob_name(name))

    @property
    def _store(self) -> S3Store:
        with self._lock:
            if self._client is None:
                from aivcs.adapters.s3.client import connect

                self._client = connect(self.bucket)
            return self._client

    def _check_open(self) -> None:
        if self._closed:
            msg = f"the repository of {self.address} is closed"
            raise RepositoryClosed(msg, hint="open it again")
        if self._process != os.getpid():
            msg = f"the connection to {self.address} belongs to the parent process"
            raise RepositoryClosed(msg, hint="open the repository after the fork")
