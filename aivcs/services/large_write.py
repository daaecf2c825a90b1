"""Writing a large object: streamed, hashed, packed and written at once by a few threads."""

from __future__ import annotations

import hashlib
import os
from threading import Lock, Thread
from typing import TYPE_CHECKING, Final

from aivcs.domain.digest import Digest
from aivcs.domain.stored import Codec, StoredObject
from aivcs.services import frames
from aivcs.services.large import CHUNK_SIZE, Footer, row

if TYPE_CHECKING:
    from queue import SimpleQueue
    from typing import Self

    from aivcs.ports import Staged
    from aivcs.services.intake import Source

_MOST_PACKERS: Final = 4
_CHUNKS: Final = 8
"""So many are on their way at once: enough that no thread waits for one to wake up."""

_SAMPLE: Final = 4 * 2**10
_SAMPLES: Final = 8


def write_large(source: Source, staged: Staged, chunk_size: int = CHUNK_SIZE) -> StoredObject:
    """Write the content of ``source`` to ``staged``; publish nothing.

    Returns the row for the ledger, with the digest that only the last byte decides. At
    most a handful of chunks are in memory, however large the content is. Raises what
    ``source`` raises, and StorageError.
    """
    size = 0
    with _Line(staged, chunk_size) as line:
        length = chunk_size
        while length == chunk_size:
            chunk = line.free()
            length = source.fill(chunk.buffer)
            if length:
                chunk.content = chunk.buffer[:length]
                line.send(chunk)
                size += length
    digest = Digest(line.whole.digest())
    staged.write(Footer(digest, size, chunk_size, bytes(line.rows)).encode())
    return StoredObject(digest, size, Codec.ZSTD, None)


class _Chunk:
    """A buffer of one chunk's bytes, and what a packer makes of them."""

    def __init__(self, size: int) -> None:
        self.buffer = memoryview(bytearray(size))
        self.content = self.buffer
        self.frame: list[bytes | memoryview] = []
        self.checksum = b""
        self.failure: BaseException | None = None
        self.packed = Lock()
        self.packed.acquire()

    def pack(self) -> None:
        """Make the frame, or keep what went wrong; then let the writer have it."""
        try:
            self.frame, self.checksum = _pack(self.content)
        except BaseException as error:  # noqa: BLE001 - raised where the caller sees it
            self.failure = error
        self.packed.release()


class _Line:
    """Threads that hash and pack chunks and write them in order, while the caller reads them.

    Leaving it waits until all is written. What goes wrong is raised by ``free`` or on
    leaving; nothing is written after it.
    """

    def __init__(self, staged: Staged, chunk_size: int) -> None:
        from queue import SimpleQueue

        self.whole = hashlib.sha256()
        self.rows = bytearray()
        self._staged = staged
        self._free: SimpleQueue[_Chunk] = SimpleQueue()
        self._to_hash: SimpleQueue[_Chunk | None] = SimpleQueue()
        self._to_pack: SimpleQueue[_Chunk | None] = SimpleQueue()
        self._to_write: SimpleQueue[_Chunk | None] = SimpleQueue()
        self._failure: BaseException | None = None
        self._packers: list[Thread] = []
        self._hasher = Thread(target=self._hash_all, daemon=True)
        self._writer = Thread(target=self._write_all, daemon=True)
        for _ in range(_CHUNKS):
            self._free.put(_Chunk(chunk_size))

    def free(self) -> _Chunk:
        """Return a chunk to be filled, as soon as there is one."""
        chunk = self._free.get()
        if self._failure is not None:
            raise self._failure
        return chunk

    def send(self, chunk: _Chunk) -> None:
        """Have the content of a chunk packed and written."""
        self._to_pack.put(chunk)
        self._to_hash.put(chunk)

    def _hash_all(self) -> None:
        while (chunk := self._to_hash.get()) is not None:
            self.whole.update(chunk.content)
            self._to_write.put(chunk)
        self._to_write.put(None)

    def _pack_all(self) -> None:
        while (chunk := self._to_pack.get()) is not None:
            chunk.pack()

    def _write_all(self) -> None:
        while (chunk := self._to_write.get()) is not None:
            chunk.packed.acquire()
            self._write(chunk)
            self._free.put(chunk)

    def _write(self, chunk: _Chunk) -> None:
        self._failure = self._failure or chunk.failure
        if self._failure is not None:
            return
        try:
            self._staged.write(*chunk.frame)
        except BaseException as error:  # noqa: BLE001 - raised where the caller sees it
            self._failure = error
        else:
            self.rows += row(sum(map(len, chunk.frame)), chunk.checksum)

    def __enter__(self) -> Self:
        """Start the threads."""
        try:
            self._writer.start()
            self._hasher.start()
            for _ in range(min(_MOST_PACKERS, os.cpu_count() or 1)):
                packer = Thread(target=self._pack_all, daemon=True)
                packer.start()
                self._packers.append(packer)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        """Wait for what was sent; raise what went wrong, unless the caller did."""
        self._stop()
        if self._failure is not None and kind is None:
            raise self._failure

    def _stop(self) -> None:
        for _ in self._packers:
            self._to_pack.put(None)
        self._to_hash.put(None)
        if self._hasher.ident is None:
            self._to_write.put(None)
        for thread in (*self._packers, self._hasher, self._writer):
            if thread.ident is not None:
                thread.join()


def _pack(chunk: memoryview) -> tuple[list[bytes | memoryview], bytes]:
    """Return the chunk's frame, in pieces, and the BLAKE3 of its content."""
    from blake3 import blake3

    noise = _is_noise(chunk)
    frame: list[bytes | memoryview] = frames.plain(chunk) if noise else [frames.pack(chunk)]
    return frame, blake3(chunk).digest()


def _is_noise(chunk: memoryview) -> bool:
    """Tell by samples that packing saves nothing: it was packed or encrypted before."""
    if len(chunk) < _SAMPLES * _SAMPLE:
        return False
    step = len(chunk) // _SAMPLES
    samples = b"".join(chunk[start : start + _SAMPLE] for start in range(0, step * _SAMPLES, step))
    return len(frames.pack(samples)) >= len(samples)
