"""What stops the writing of a large object stops all of it, and nobody waits for ever."""

from __future__ import annotations

import os
import signal
import threading
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from aivcs.adapters.memory_blobs import MemoryBlobs
from aivcs.domain.digest import Digest
from aivcs.errors import StorageError
from aivcs.services import large_write
from aivcs.services.intake import Source
from aivcs.services.large_write import write_large
from aivcs.testing.objects import noise

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNK = 64
DATA = noise(100 * CHUNK)


class Full:
    """A blob whose disk is full after some writes."""

    def __init__(self, left: int) -> None:
        self.left = left
        self.tried = 0

    def write(self, *_: bytes | memoryview) -> None:
        self.tried += 1
        if self.tried > self.left:
            msg = "no space left"
            raise StorageError(msg)


def source(data: bytes = DATA) -> Source:
    left = memoryview(data)

    def read(size: int) -> bytes:
        nonlocal left
        piece, left = bytes(left[:size]), left[size:]
        return piece

    return Source("given", read)


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() == before


@pytest.mark.parametrize("left", [0, 1, 50, 99])
def test_a_full_disk_ends_it_and_is_tried_no_more(left: int) -> None:
    blob: Any = Full(left)
    with pytest.raises(StorageError, match="no space left"):
        write_large(source(), blob, CHUNK)
    assert blob.tried == left + 1


def test_a_source_that_fails_ends_it() -> None:
    calls = 0

    def read(size: int) -> bytes:
        nonlocal calls
        calls += 1
        if calls == 30:
            raise KeyboardInterrupt
        return DATA[:size]

    with MemoryBlobs().stage() as blob, pytest.raises(KeyboardInterrupt):
        write_large(Source("given", read), blob, CHUNK)


def test_a_packer_that_fails_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = large_write._pack

    def pack(chunk: memoryview) -> tuple[list[bytes | memoryview], bytes]:
        if chunk == DATA[7 * CHUNK : 8 * CHUNK]:
            msg = "out of memory"
            raise MemoryError(msg)
        return real(chunk)

    monkeypatch.setattr(large_write, "_pack", pack)
    with MemoryBlobs().stage() as blob, pytest.raises(MemoryError, match="out of memory"):
        write_large(source(), blob, CHUNK)


@pytest.fixture
def few_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Let no more threads start than the number in the list that is given."""
    real = threading.Thread.start
    left = [0]

    def start(thread: threading.Thread) -> None:
        if not left[0]:
            msg = "can't start new thread"
            raise RuntimeError(msg)
        left[0] -= 1
        real(thread)

    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(threading.Thread, "start", start)
    yield left
    monkeypatch.undo()


@pytest.mark.parametrize("count", range(3))
def test_too_few_threads_end_it(count: int, few_threads: list[int]) -> None:
    few_threads[0] = count
    with MemoryBlobs().stage() as blob, pytest.raises(StorageError, match="needs 3 threads"):
        write_large(source(), blob, CHUNK)


@pytest.mark.parametrize("count", [3, 4])
def test_one_packer_is_enough(count: int, few_threads: list[int]) -> None:
    few_threads[0] = count
    with MemoryBlobs().stage() as blob:
        assert write_large(source(), blob, CHUNK).digest == Digest.of(DATA)


class Slow:
    """A blob that is told of an interruption while its last chunks are written."""

    def __init__(self) -> None:
        self.writes = 0
        self.interrupted = threading.Event()

    def write(self, *_: bytes | memoryview) -> None:
        self.writes += 1
        if self.writes == 95:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            assert self.interrupted.wait(30)


@pytest.mark.parametrize("times", [1, 3])
def test_an_interruption_at_the_end_leaves_nobody_who_writes(times: int) -> None:
    slow = Slow()
    blob: Any = slow
    left = times

    def interrupt(*_: object) -> None:
        nonlocal left
        left -= 1
        if left:
            signal.raise_signal(signal.SIGINT)
        slow.interrupted.set()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            write_large(source(), blob, CHUNK)
    finally:
        signal.signal(signal.SIGINT, before)
    assert slow.writes == 95


def test_a_signal_while_threads_start_leaves_none(monkeypatch: pytest.MonkeyPatch) -> None:
    real = threading.Thread.start

    def start(thread: threading.Thread) -> None:
        real(thread)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(threading.Thread, "start", start)
    with MemoryBlobs().stage() as blob, pytest.raises(KeyboardInterrupt):
        write_large(source(), blob, CHUNK)


@pytest.mark.parametrize("nth", [1, 2, 3, 4])
@pytest.mark.parametrize("begun", [True, False])
def test_an_interruption_while_a_thread_starts_leaves_none(
    monkeypatch: pytest.MonkeyPatch, nth: int, *, begun: bool
) -> None:
    real, starts = threading.Thread.start, count(1)

    def start(thread: threading.Thread) -> None:
        last = next(starts) == nth
        if begun or not last:
            real(thread)
        if last:
            raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", start)
    monkeypatch.setattr("aivcs.services.large_write._UNSTARTED", 1)
    with MemoryBlobs().stage() as blob, pytest.raises(KeyboardInterrupt):
        write_large(source(), blob, CHUNK)
