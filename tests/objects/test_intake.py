from __future__ import annotations

import array
import io
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aivcs.errors import InvalidInputError
from aivcs.services.intake import pieces_of

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO


def joined(content: object) -> bytes:
    with pieces_of(content) as pieces:  # type: ignore[arg-type]
        return b"".join(pieces)


@given(st.binary(max_size=100))
def test_memory_comes_back(data: bytes) -> None:
    view = memoryview(data)
    for content in (data, bytearray(data), view, io.BytesIO(data)):
        assert joined(content) == data
    assert joined(view[::2]) == data[::2]


def test_a_view_of_numbers_is_its_bytes() -> None:
    numbers = array.array("I", range(5))
    assert joined(memoryview(numbers)) == numbers.tobytes()


def test_pieces_are_small_then_large(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(3 * 2**20))
    with pieces_of(path) as pieces:
        assert [len(piece) for piece in pieces][:2] == [2**16, 2**20]


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
