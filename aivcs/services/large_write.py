"""Writing a large object: streamed, hashed, packed and written at once by a few threads."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from typing import TYPE_CHECKING, Final

from aivcs.domain.digest import Digest
from aivcs.domain.stored import Codec, StoredObject
from aivcs.services import frames
from aivcs.services.large import CHUNK_SIZE, Footer, row

if TYPE_CHECKING:
    from concurrent.futures import Future

    from aivcs.ports import Staged
    from aivcs.services.intake import Source

_MOST_THREADS: Final = 4
_AHEAD: Final = 1
"""So many chunks are read beside those that are being packed; more would leave the caches."""

_SAMPLE: Final = 4 * 2**10
_SAMPLES: Final = 8


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
    pending: deque[tuple[bytearray, Future[None], Future[None]]] = deque()

    def write(packed: Future[tuple[bytes, bytes]]) -> None:
        frame, checksum = packed.result()
        staged.write(frame)
        rows.extend(row(len(frame), checksum))

    def settle() -> None:
        buffer, hashed, written = pending.popleft()
        hashed.result()
        written.result()
        buffers.append(buffer)

    with (
        ThreadPoolExecutor(threads) as packers,
        ThreadPoolExecutor(1) as hasher,
        ThreadPoolExecutor(1) as writer,
    ):
        length = chunk_size
        while length == chunk_size:
            if not buffers:
                settle()
            buffer = buffers.popleft()
            length = source.fill(memoryview(buffer))
            if not length:
                break
            chunk = memoryview(buffer)[:length]
            size += length
            written = writer.submit(write, packers.submit(_pack, chunk))
            pending.append((buffer, hasher.submit(whole.update, chunk), written))
        while pending:
            settle()
    digest = Digest(whole.digest())
    staged.write(Footer(digest, size, chunk_size, bytes(rows)).encode())
    return StoredObject(digest, size, Codec.ZSTD, None)


def _pack(chunk: memoryview) -> tuple[bytes, bytes]:
    """Return the chunk's frame and the BLAKE3 of its content."""
    from blake3 import blake3

    frame = frames.plain(chunk) if _is_noise(chunk) else frames.pack(chunk)
    return frame, blake3(chunk).digest()


def _is_noise(chunk: memoryview) -> bool:
    """Tell by samples that packing saves nothing: it was packed or encrypted before."""
    if len(chunk) < _SAMPLES * _SAMPLE:
        return False
    step = len(chunk) // _SAMPLES
    samples = b"".join(chunk[start : start + _SAMPLE] for start in range(0, step * _SAMPLES, step))
    return len(frames.pack(samples)) >= len(samples)
