"""Writing a large object: streamed, hashed and compressed by a few threads at once."""

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
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future

    from aivcs.ports import Staged

_MOST_THREADS: Final = 4


def write_large(
    pieces: Iterable[bytes], staged: Staged, chunk_size: int = CHUNK_SIZE
) -> StoredObject:
    """Write the content that ``pieces`` make together to ``staged``; publish nothing.

    Returns the row for the ledger, with the digest that only the last byte decides. At
    most a handful of chunks are in memory, however large the content is. Raises what
    ``pieces`` raises, and StorageError.
    """
    from concurrent.futures import ThreadPoolExecutor

    threads = min(_MOST_THREADS, os.cpu_count() or 1)
    whole = hashlib.sha256()
    size = 0
    rows = bytearray()
    pending: deque[Future[tuple[bytes, bytes]]] = deque()

    def settle() -> None:
        frame, checksum = pending.popleft().result()
        staged.write(frame)
        rows.extend(row(len(frame), checksum))

    with ThreadPoolExecutor(threads) as pool:
        for chunk in _cut(pieces, chunk_size):
            pending.append(pool.submit(_seal, chunk))
            whole.update(chunk)
            size += len(chunk)
            if len(pending) > threads:
                settle()
        while pending:
            settle()
    digest = Digest(whole.digest())
    staged.write(Footer(digest, size, chunk_size, bytes(rows)).encode())
    return StoredObject(digest, size, Codec.ZSTD, None)


def _seal(chunk: bytes) -> tuple[bytes, bytes]:
    """Return the chunk's frame and the BLAKE3 of its content."""
    from blake3 import blake3

    return frames.pack(chunk), blake3(chunk).digest()


def _cut(pieces: Iterable[bytes], chunk_size: int) -> Iterator[bytes]:
    """Yield chunks of exactly ``chunk_size`` bytes; only the last may be shorter."""
    buffer = bytearray()
    for piece in pieces:
        buffer += piece
        while len(buffer) >= chunk_size:
            with memoryview(buffer) as view:
                chunk = bytes(view[:chunk_size])
            del buffer[:chunk_size]
            yield chunk
    if buffer:
        yield bytes(buffer)
