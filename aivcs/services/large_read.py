"""Reading a large object: any place of it, each chunk checked before it is handed out."""

from __future__ import annotations

import io
import os
from array import array
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from aivcs.domain.blobname import large_name
from aivcs.domain.digest import Digest
from aivcs.errors import CorruptionError
from aivcs.services import frames
from aivcs.services.damage import damaged
from aivcs.services.large import read_footer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from _typeshed import WriteableBuffer


_FEW: Final = 2


class LargeReader(io.RawIOBase):
    """The content of a large file, seekable, with one chunk in memory.

    It owns ``file`` and closes it. Opening and every read raise IntegrityError, naming
    the digest and the file, rather than hand out a byte that was not stored.
    """

    def __init__(self, file: BinaryIO, digest: Digest) -> None:
        self._file = file
        try:
            self._footer = read_footer(file, digest)
        except BaseException:
            file.close()
            raise
        lengths = (length for length, _ in self._footer)
        self._offsets = array("Q", accumulate(lengths, initial=0))
        self._position = 0
        self._held = -1
        self._chunk = b""

    @property
    def size(self) -> int:
        """The bytes of content."""
        return self._footer.size

    def chunks(self) -> Iterator[bytes]:
        """Yield the whole content by chunks, and hold it to its SHA-256.

        The last chunk comes only when the digest of all of them is right; IntegrityError
        otherwise.
        """
        import hashlib

        whole = hashlib.sha256()
        left = len(self._footer)
        for chunk in self._loaded():
            whole.update(chunk)
            left -= 1
            if not left and Digest(whole.digest()) != self._footer.digest:
                detail = "its SHA-256 differs"
                raise self._damaged(detail)
            yield chunk

    def _loaded(self) -> Iterator[bytes]:
        """Yield the chunks; where they are many, a thread loads the next one meanwhile."""
        count = len(self._footer)
        if count <= _FEW:
            yield from map(self._load, range(count))
            return
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(1) as loader:
            ahead = loader.submit(self._load, 0)
            for index in range(1, count):
                chunk = ahead.result()
                ahead = loader.submit(self._load, index)
                yield chunk
            yield ahead.result()

    def content(self) -> bytes:
        """Return the whole content, held to its SHA-256."""
        # A growing buffer is handed over without a copy; joining pieces needs both.
        whole = io.BytesIO()
        for chunk in self.chunks():
            whole.write(chunk)
        return whole.getvalue()

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position in bytes of content."""
        self._check_usable()
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Move to a position, which may lie behind the end; ValueError before the start."""
        self._check_usable()
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}
        if whence not in origin or origin[whence] + offset < 0:
            msg = f"cannot seek to {offset} from {whence}"
            raise ValueError(msg)
        self._position = origin[whence] + offset
        return self._position

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fill ``buffer`` from one chunk; return the bytes read, 0 at the end."""
        self._check_usable()
        with memoryview(buffer) as view, view.cast("B") as target:
            if self._position >= self.size or not target.nbytes:
                return 0
            index, start = divmod(self._position, self._footer.chunk_size)
            if index != self._held:
                self._chunk = self._load(index)
                self._held = index
            part = memoryview(self._chunk)[start : start + target.nbytes]
            target[: part.nbytes] = part
        self._position += part.nbytes
        return part.nbytes

    def close(self) -> None:
        """Close the file below; idempotent."""
        if not self.closed:
            self._file.close()
        super().close()

    def _load(self, index: int) -> bytes:
        from blake3 import blake3

        length, checksum = self._footer.row(index)
        self._file.seek(self._offsets[index])
        stored = self._file.read(length)
        try:
            chunk = frames.unpack(stored, self._footer.chunk_length(index))
        except CorruptionError as error:
            detail = f"chunk {index}: {error.message}"
            raise self._damaged(detail) from error
        if blake3(chunk).digest() != checksum:
            detail = f"chunk {index} has another BLAKE3"
            raise self._damaged(detail)
        return chunk

    def _damaged(self, detail: str) -> CorruptionError:
        digest = self._footer.digest
        return damaged(digest, large_name(digest), detail)

    def _check_usable(self) -> None:
        if self.closed:
            msg = "the object was closed"
            raise ValueError(msg)
