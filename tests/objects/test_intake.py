from __future__ import annotations

import array
import io
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aivcs.errors import InvalidInputError
from aivcs.services.intake import take
from aivcs.testing.objects import noise

if TYPE_CHECKING:
    from typing import BinaryIO

    from aivcs.services.intake import Source


def filled(source: Source, step: int) -> bytes:
    buffer = bytearray(step)
    found = bytearray()
    with source:
        while length := source.fill(memoryview(buffer)):
            found += buffer[:length]
    return bytes(found)


def joined(content: object, most: int = 20, step: int = 7) -> bytes:
    taken = take(content, most)  # type: ignore[arg-type]
    if isinstance(taken, bytes):
        assert len(taken) <= most
        return taken
    found = filled(taken, step)
    assert len(found) > most
    return found


@given(st.binary(max_size=100))
def test_memory_comes_back(data: bytes) -> None:
    view = memoryview(data)
    for content in (data, bytearray(data), view, io.BytesIO(data)):
        assert joined(content) == data
    assert joined(view[::2]) == data[::2]


def test_a_view_of_numbers_is_its_bytes() -> None:
    numbers = array.array("I", range(5))
    assert joined(memoryview(numbers)) == numbers.tobytes()


@pytest.mark.parametrize("size", [0, 1, 20, 21, 100, 2**16, 3 * 2**20 + 1])
def test_a_file_of_any_size_comes_back(tmp_path: Path, size: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(noise(size))
    assert joined(path) == noise(size)
    assert joined(path, 2**20, 2**20) == noise(size)
    with path.open("rb") as file:
        assert joined(file, step=2**20) == noise(size)


def test_a_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    for data in (b"few", bytes(200_000)):
        writer = threading.Thread(target=path.write_bytes, args=(data,))
        writer.start()
        assert joined(path) == data
        writer.join()


def test_a_file_that_grows_while_it_is_read_is_read_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"first")
    real = os.fstat

    def grow(descriptor: int) -> os.stat_result:
        found = real(descriptor)
        path.write_bytes(b"first and more")
        return found

    monkeypatch.setattr(os, "fstat", grow)
    assert joined(path) == b"first and more"


def test_files_are_closed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(100))
    descriptors = Path("/proc/self/fd")
    before = len(list(descriptors.iterdir()))
    joined(path)
    joined(path, 200)
    for bad in (tmp_path, tmp_path / "missing"):
        with pytest.raises(InvalidInputError):
            joined(bad)
    assert len(list(descriptors.iterdir())) == before


def test_a_file_that_fails_after_its_head_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(100))

    def fail(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    for name, most in (("read", 20), ("read", 200), ("readv", 20)):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, fail)
            with pytest.raises(InvalidInputError, match="file: Input"):
                joined(path, most)


def test_a_file_is_read_from_where_it_stands_and_stays_open() -> None:
    file = io.BytesIO(b"0123456789")
    file.seek(4)
    assert joined(file) == b"456789"
    assert not file.closed


class Failing(io.RawIOBase):
    name = "the-source"

    def __init__(self, error: Exception) -> None:
        self.error = error

    def read(self, size: int = -1, /) -> bytes:
        assert size > 0
        raise self.error


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), ValueError("no file")])
def test_a_file_that_fails_is_named(error: Exception) -> None:
    with pytest.raises(InvalidInputError, match="the-source") as caught:
        joined(Failing(error))
    assert caught.value.__cause__ is error


def test_a_closed_file_and_a_file_of_text_are_refused(tmp_path: Path) -> None:
    closed = io.BytesIO()
    closed.close()
    path = tmp_path / "text"
    path.write_text("text")
    with path.open(encoding="utf-8") as text:
        for bad in (closed, text, io.StringIO("text")):
            with pytest.raises(InvalidInputError):
                joined(cast("BinaryIO", bad))


def test_a_path_with_a_nul_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="cannot read"):
        joined(tmp_path / "a\0b")
