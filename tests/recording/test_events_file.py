from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.command import EventsFile, events_file
from aivcs.domain.observation import EventLine
from aivcs.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def events(tmp_path: Path) -> Iterator[EventsFile]:
    with EventsFile(tmp_path / "deep" / "events.jsonl") as file:
        yield file


def append(events: EventsFile, data: bytes) -> None:
    with events.path.open("ab") as file:
        file.write(data)


def test_it_is_new_empty_and_private(events: EventsFile) -> None:
    assert events.path.stat().st_size == 0
    assert events.path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(StorageError, match="exists"):
        EventsFile(events.path)


def test_only_whole_lines_come_until_the_end(events: EventsFile) -> None:
    append(events, b"one\ntw")
    assert list(events.lines()) == [EventLine(b"one", 1)]
    append(events, b"o")
    assert list(events.lines()) == []
    append(events, b"\n\n \r\nthree")
    assert list(events.lines()) == [EventLine(b"two", 2)]
    assert list(events.lines(ended=True)) == [EventLine(b"three", 5)]
    assert list(events.lines(ended=True)) == []


def test_much_comes_in_several_calls(events: EventsFile) -> None:
    append(events, b"x" * 99 + b"\n")
    append(events, (b"y" * 99 + b"\n") * 30_000)
    first = len(list(events.lines()))
    assert events.behind
    assert 10_000 < first < 11_000
    assert first + len(list(events.lines(ended=True))) == 30_001
    assert not events.behind


def test_a_file_that_became_shorter_is_read_again(events: EventsFile) -> None:
    append(events, b"one\ntwo\nrest")
    assert len(list(events.lines())) == 2
    events.path.write_bytes(b"three\n")
    assert list(events.lines()) == [EventLine(b"three", 3)]


def test_another_file_in_its_place_is_read_from_its_beginning(
    events: EventsFile, tmp_path: Path
) -> None:
    append(events, b"one\ntwo")
    assert [line.line for line in events.lines()] == [b"one"]
    other = tmp_path / "other"
    other.write_bytes(b"three\nfour\n")
    other.replace(events.path)
    assert [line.line for line in events.lines(ended=True)] == [b"two", b"three", b"four"]
    events.path.unlink()
    assert list(events.lines(ended=True)) == []


def test_a_very_long_line_comes_in_pieces(
    events: EventsFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_file, "LONGEST_LINE", 100_000)
    append(events, b"x" * 300_000 + b"\nnext\n" + b"y" * 200_000)
    seen = list(events.lines(ended=True))
    assert b"".join(line.line for line in seen if line.number == 1) == b"x" * 300_000
    assert b"".join(line.line for line in seen if line.number == 3) == b"y" * 200_000
    assert [line.number for line in seen if line.whole] == [2]


def test_pieces_of_blanks_are_kept(events: EventsFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events_file, "LONGEST_LINE", 65_535)
    append(events, b"x" * 65_536 + b" " * 9 + b"\n  \n")
    assert [line.line for line in events.lines()] == [b"x" * 65_536, b" " * 9]
    append(events, b"y" * 99_000)
    assert [line.number for line in events.lines()] == [3]
    events.path.write_bytes(b"fresh\n")
    assert list(events.lines()) == [EventLine(b"fresh", 3)]


def test_a_line_may_end_where_a_piece_ends(
    events: EventsFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_file, "LONGEST_LINE", 65_535)
    append(events, b"x" * 65_536 + b"\nnext\n")
    assert [(line.number, line.whole) for line in events.lines()] == [(1, False), (2, True)]


def test_removal_is_no_fuss(events: EventsFile) -> None:
    events.remove()
    assert not events.path.exists()
    events.remove()


def test_a_disk_that_fails_is_a_storage_error(
    events: EventsFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    append(events, b"one\n")
    monkeypatch.setattr(os, "pread", broken)
    with pytest.raises(StorageError, match="Input/output error") as caught:
        list(events.lines())
    assert isinstance(caught.value.__cause__, OSError)
