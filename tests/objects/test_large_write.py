"""What stops the writing of a large object stops all of it, and nobody waits for ever."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

import pytest

from aivcs.adapters.memory_blobs import MemoryBlobs
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


@pytest.mark.parametrize("number", range(4))
def test_a_thread_that_cannot_start_ends_it(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    real = threading.Thread.start
    begun = 0

    def start(thread: threading.Thread) -> None:
        nonlocal begun
        begun += 1
        if begun == number + 1:
            msg = "can't start new thread"
            raise RuntimeError(msg)
        real(thread)

    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(threading.Thread, "start", start)
    with MemoryBlobs().stage() as blob, pytest.raises(RuntimeError, match="start new thread"):
        write_large(source(), blob, CHUNK)
