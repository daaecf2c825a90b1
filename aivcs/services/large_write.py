"""Writing a large object: streamed, hashed, packed and written at once by a few threads."""

from __future__ import annotations

import hashlib
import os
import signal
from contextlib import suppress
from threading import Lock, Thread, current_thread
from typing import TYPE_CHECKING, Final

from aivcs.domain.digest import Digest
from aivcs.domain.stored import Codec, StoredObject
from aivcs.errors import StorageError
from aivcs.services import frames
from aivcs.services.large import CHUNK_SIZE, Footer, row

if TYPE_CHECKING:
    from collections.abc import Callable
    from queue import SimpleQueue
    from typing import Self

    from aivcs.ports import Staged
    from aivcs.services.intake import Source

_MOST_PACKERS: Final = 4
_NEEDED: Final = 3
"""Threads without which it does not go: one writes, one hashes, one packs."""

_PATIENCE_SECONDS: Final = 0.2
_UNSTARTED: Final = 25
"""So many patiences until a thread that has not begun was never started."""

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
        self._given_up = False
        self._threads: list[Thread] = []
        self._ended: list[Thread] = []
        self._unstarted = 0
        self._bell: SimpleQueue[None] = SimpleQueue()
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

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
        finally:
            self._ended.append(current_thread())
            self._bell.put(None)

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
        if self._failure is not None or self._given_up:
            return
        try:
            self._staged.write(*chunk.frame)
        except BaseException as error:  # noqa: BLE001 - raised where the caller sees it
            self._failure = error
        else:
            self.rows += row(sum(map(len, chunk.frame)), chunk.checksum)

    def __enter__(self) -> Self:
        """Start the threads; StorageError where there can be none."""
        # While one starts, a signal's handler must not leave it running and unknown.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            try:
                self._start()
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
        except BaseException:
            self._given_up = True
            self._stop()
            raise
        return self

    def _start(self) -> None:
        packers = min(_MOST_PACKERS, os.cpu_count() or 1)
        for work in (self._write_all, self._hash_all, *[self._pack_all] * packers):
            thread = Thread(target=self._run, args=(work,), daemon=True)
            # Known before it starts: the mask does not keep another thread from the signal.
            self._threads.append(thread)
            try:
                thread.start()
            except RuntimeError as error:
                self._threads.remove(thread)
                if len(self._threads) >= _NEEDED:
                    return
                msg = f"a large object needs {_NEEDED} threads: {error}"
                raise StorageError(msg, hint="allow more processes or more memory") from error

    def __exit__(self, kind: object, *_: object) -> None:
        """Wait for what was sent; raise what went wrong, unless the caller did."""
        self._given_up = kind is not None
        self._stop()
        if self._failure is not None and kind is None:
            raise self._failure

    def _stop(self) -> None:
        """Let the threads end, and wait for it whatever a signal's handler raises meanwhile."""
        held: BaseException | None = None
        while True:
            try:
                self._settle()
                break
            except BaseException as error:  # noqa: BLE001 - raised when nobody writes any more
                held, self._given_up = error, True
        if held is not None:
            raise held

    def _settle(self) -> None:
        """Wait until every thread has ended; may be begun anew."""
        from queue import Empty

        for _ in self._threads:
            self._to_pack.put(None)
        # The hasher tells the writer when all is hashed; where it is missing, nothing is sent.
        self._to_hash.put(None)
        if len(self._threads) < _NEEDED:
            self._to_write.put(None)
        # Not by joining alone: a join that is interrupted takes the thread for ended.
        while len(self._ended) < len(self._threads):
            with suppress(Empty):
                self._bell.get(timeout=_PATIENCE_SECONDS)
                continue
            self._unstarted += 1
            if self._unstarted > _UNSTARTED:
                # A signal came before the system was asked for them.
                self._threads = [one for one in self._threads if one.ident is not None]
        for thread in self._threads:
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
