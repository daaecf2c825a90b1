"""Writing a large object: streamed, hashed, packed and written at once by a few threads."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from typing import TYPE_CHECKING, Final

from aivcs.domain.batch import Codec, StoredObject
from aivcs.domain.digest import Digest
from aivcs.services import frames
from aivcs.services.large import CHUNK_SIZE, Footer, row

if TYPE_CHECKING:
    from concurrent.futures import Future

    from aivcs.ports import Staged
    from aivcs.services.intake import Source

_MOST_THREADS: Final = 4
_AHEAD: Final = 3
"""So many chunks wait beside those that are being packed."""


def write_large(source: Source, staged: Staged, chunk_size: int = CHUNK_SIZE) -> StoredObject:
    """Write the content of ``source`` to ``staged``; publish nothing.

    Returns the row for the ledger, with the digest that only the last byte decides. At
    most a handful of chunks are in memory, however large the content is. Raises what
    ``source`` raises, and StorageError.
    """
    from concurrent.futures import ThreadPoolExecutor

    threads = min(_MOST_THREADS, os.cpu_count() or 1)
    whole = hashlib.sha256()
    size = 0
    rows = bytearray()
    buffers = deque(bytearray(chunk_size) for _ in range(threads + _AHEAD))
    pending: deque[tuple[bytearray, Future[None]]] = deque()

    def write(packed: Future[tuple[bytes, bytes]]) -> None:
        frame, checksum = packed.result()
        staged.write(frame)
        rows.extend(row(len(frame), checksum))

    def settle() -> None:
        buffer, written = pending.popleft()
        written.result()
        buffers.append(buffer)

    with ThreadPoolExecutor(threads) as packers, ThreadPoolExecutor(1) as writer:
        length = chunk_size
        while length == chunk_size:
            if not buffers:
                settle()
            buffer = buffers.popleft()
            length = source.fill(memoryview(buffer))
            if not length:
                break
            chunk = memoryview(buffer)[:length]
            packed = packers.submit(_pack, chunk)
            pending.append((buffer, writer.submit(write, packed)))
            whole.update(chunk)
            size += length
        while pending:
            settle()
    digest = Digest(whole.digest())
    staged.write(Footer(digest, size, chunk_size, bytes(rows)).encode())
    return StoredObject(digest, size, Codec.ZSTD, None)


def _pack(chunk: memoryview) -> tuple[bytes, bytes]:
    """Return the chunk's frame and the BLAKE3 of its content."""
    from blake3 import blake3

    return frames.pack(chunk), blake3(chunk).digest()
