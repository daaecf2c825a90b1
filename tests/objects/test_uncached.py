"""Long files go past the page cache where the file system allows it, and hold the same bytes."""

from __future__ import annotations

import errno
import fcntl
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aivcs.adapters.files import FileBlobs, staged, uncached
from aivcs.adapters.files.uncached import ALIGNED
from aivcs.errors import StorageError
from aivcs.testing.objects import noise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

LONG = 2 * ALIGNED
PIECE = 4 * ALIGNED
SIZES = st.integers(0, 3 * PIECE)
EDGES = [1, ALIGNED - 1, LONG - ALIGNED, PIECE, PIECE + 1, 3, 2 * PIECE]


@pytest.fixture
def blobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FileBlobs:
    monkeypatch.setattr(staged, "_LONG", LONG)
    monkeypatch.setattr(uncached, "_PIECE", PIECE)
    return FileBlobs(tmp_path / "objects", tmp_path / "tmp")


def stored(blobs: FileBlobs, sizes: Iterable[int]) -> tuple[bytes, bytes]:
    """Return what was written, and what is there."""
    pieces = [noise(size, number) for number, size in enumerate(sizes)]
    blobs.delete("name")
    with blobs.stage() as blob:
        for piece in pieces:
            blob.write(piece)
        blob.publish("name")
    written = b"".join(pieces)
    return written, blobs.read("name", 0, len(written) + 1)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(sizes=st.lists(SIZES, max_size=6))
def test_the_bytes_are_those_that_were_written(blobs: FileBlobs, sizes: list[int]) -> None:
    written, found = stored(blobs, sizes)
    assert found == written


def test_only_what_is_long_goes_past_the_cache(
    blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write
    lengths: dict[bool, list[int]] = {False: [], True: []}

    def write(descriptor: int, data: bytes) -> int:
        direct = bool(fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_DIRECT)
        lengths[direct].append(len(data))
        return real(descriptor, data)

    monkeypatch.setattr(os, "write", write)
    written, found = stored(blobs, [LONG])
    assert (found, lengths[True]) == (written, [])
    lengths[False].clear()
    written, found = stored(blobs, [100, LONG, 2 * PIECE])
    assert found == written
    if not lengths[True]:
        pytest.skip("this file system has only cached writes")
    assert lengths == {False: [100, LONG - 100, 100], True: [PIECE, PIECE]}


def test_what_is_known_to_be_long_goes_past_the_cache_at_once(
    blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write
    cached = 0

    def write(descriptor: int, data: bytes) -> int:
        nonlocal cached
        direct = bool(fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_DIRECT)
        cached += 0 if direct else len(data)
        return real(descriptor, data)

    monkeypatch.setattr(os, "write", write)
    data = noise(3 * PIECE + 10)
    with blobs.stage(len(data)) as blob:
        blob.write(data)
        blob.publish("name")
    assert blobs.read("name", 0, len(data) + 1) == data
    if cached == len(data):
        pytest.skip("this file system has only cached writes")
    assert cached == 10


def refuse_flag(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    real = fcntl.fcntl

    def flag(descriptor: int, command: int, value: int = 0) -> int:
        if command == fcntl.F_SETFL and value & os.O_DIRECT:
            raise OSError(number, os.strerror(number))
        return real(descriptor, command, value)

    monkeypatch.setattr(fcntl, "fcntl", flag)


def refuse_write(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    real = os.write
    calls: list[int] = []

    def write(descriptor: int, data: bytes) -> int:
        if len(data) > PIECE // 2:
            calls.append(len(data))
            if len(calls) == 1:
                return real(descriptor, data[:ALIGNED])
            if len(calls) == 2:
                raise OSError(number, os.strerror(number))
        return real(descriptor, data)

    monkeypatch.setattr(os, "write", write)


REFUSALS = pytest.mark.parametrize("refuse", [refuse_flag, refuse_write])


@REFUSALS
def test_a_file_system_that_refuses_is_written_to_as_always(
    blobs: FileBlobs,
    monkeypatch: pytest.MonkeyPatch,
    refuse: Callable[[pytest.MonkeyPatch, int], None],
) -> None:
    refuse(monkeypatch, errno.EINVAL)
    written, found = stored(blobs, EDGES)
    assert found == written


@REFUSALS
def test_a_disk_that_fails_is_an_error(
    blobs: FileBlobs,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    refuse: Callable[[pytest.MonkeyPatch, int], None],
) -> None:
    refuse(monkeypatch, errno.ENOSPC)
    with pytest.raises(StorageError, match=os.strerror(errno.ENOSPC)):
        stored(blobs, EDGES)
    assert not blobs.exists("name")
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_system_that_has_no_such_writes(
    blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uncached, "_DIRECT", 0)
    written, found = stored(blobs, EDGES)
    assert found == written
