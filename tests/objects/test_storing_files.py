"""Many files: what copies of the process pack is stored as if each had been put by itself."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

import aivcs
from aivcs.adapters import relay
from aivcs.domain.digest import Digest
from aivcs.domain.stored import HOT_LIMIT, Codec, Tier
from aivcs.errors import InvalidInputError
from aivcs.services import storing_files
from aivcs.services.storing_files import pack_files, store_files
from aivcs.testing.objects import noise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import TypeVar

    from aivcs.repo import Repo

    T = TypeVar("T")

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")


@contextmanager
def in_turn(work: Callable[[int], T], count: int) -> Iterator[Iterator[T]]:
    yield (work(n) for n in range(count))


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    with aivcs.init(tmp_path / "repo") as repo:
        yield repo


@pytest.fixture
def forking(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let files be stored with copies, however many there are; return what is counted."""
    counts: list[int] = []
    real = relay.ahead

    @contextmanager
    def ahead(work: Callable[[int], T], count: int) -> Iterator[Iterator[T]]:
        counts.append(count)
        with real(work, count, processes=2) as results:
            yield results

    monkeypatch.setattr(relay, "ahead", ahead)
    monkeypatch.setattr(relay, "is_possible", lambda: True)
    monkeypatch.setattr(storing_files, "MANY", 2)
    return counts


def write(folder: Path, contents: list[bytes]) -> list[str]:
    folder.mkdir(exist_ok=True)
    names = [str(folder / f"{number}") for number in range(len(contents))]
    for name, content in zip(names, contents, strict=True):
        with open(name, "wb") as file:  # noqa: PTH123
            file.write(content)
    return names


def mixed() -> list[bytes]:
    contents = [b"%d " % (number % 290) * (number % 97 + 1) for number in range(300)]
    contents[5] = b""
    contents[70] = noise(HOT_LIMIT)
    contents[71] = noise(HOT_LIMIT + 1)
    contents[130] = noise(300_000)
    contents[299] = noise(900)
    return contents


def test_files_are_stored_as_they_are(repo: Repo, tmp_path: Path, forking: list[int]) -> None:
    contents, counted = mixed(), []
    names = write(tmp_path / "files", contents)
    digests = repo.put_files(names, pin=True, advance=lambda: counted.append(1))
    assert digests == [Digest.of(content) for content in contents]
    assert [data for _, data in repo.objects.get_many(digests)] == contents
    assert repo.objects.stat(digests[70]).tier is Tier.HOT
    assert repo.objects.stat(digests[71]).tier is Tier.LARGE
    assert repo.objects.stat(digests[0]).codec is Codec.RAW
    assert repo.objects.stat(digests[299]).codec is Codec.RAW
    assert repo.objects.stat(digests[96]).codec is Codec.ZSTD
    assert len(counted) == 300
    assert forking == [5]
    assert repo.put_files(names) == digests
    assert repo.verify().ok
    repo.gc(full=True)
    assert all(repo.objects.contains(digest) for digest in digests)


def test_windows_are_bounded(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forking: list[int]
) -> None:
    names = write(tmp_path / "files", [noise(1000, seed) for seed in range(700)])
    monkeypatch.setattr(storing_files, "_ROWS", 100)
    digests = repo.put_files(names)
    assert sorted(digests) == repo.objects.list()
    monkeypatch.setattr(storing_files, "_BYTES", 50_000)
    assert repo.put_files(names[::-1]) == digests[::-1]
    assert forking == [11, 11]


@pytest.mark.parametrize("bad", ["missing", "folder", "a\0b"])
def test_a_file_that_cannot_be_read_is_named_and_none_after_it_stored(
    repo: Repo, tmp_path: Path, forking: list[int], bad: str
) -> None:
    (tmp_path / "folder").mkdir()
    names = write(tmp_path / "files", [b"%d" % number for number in range(200)])
    names[150] = str(tmp_path / bad)
    with pytest.raises(InvalidInputError, match=f"cannot read .*{bad}"):
        repo.put_files(names)
    assert not repo.objects.contains(Digest.of(b"151"))
    assert len(forking) == 1
    assert repo.verify().ok


def test_a_pipe_is_left_to_the_first_process(
    repo: Repo, tmp_path: Path, forking: list[int]
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for data in (b"little", noise(HOT_LIMIT + 5)):
        writer = threading.Thread(target=pipe.write_bytes, args=(data,))
        writer.start()
        names = [*write(tmp_path / "files", [b"1", b"2"]), str(pipe)]
        assert repo.put_files(names)[2] == Digest.of(data)
        writer.join()
    assert forking == [1, 1]


def test_without_copies_the_threads_do(
    repo: Repo, tmp_path: Path, forking: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "is_possible", lambda: False)
    contents, counted = mixed(), []
    names = write(tmp_path / "files", contents)
    digests = repo.put_files(names, advance=lambda: counted.append(1))
    assert digests == [Digest.of(content) for content in contents]
    assert len(counted) == 300
    assert repo.put_files([]) == []
    assert forking == []


def test_no_files_are_no_window(repo: Repo) -> None:
    assert store_files(repo.objects, [], in_turn, pin=False, advance=lambda: None) == []


def test_what_changes_or_fails_while_it_is_read_is_left_to_the_first_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (name,) = write(tmp_path / "files", [b"content"])
    assert not pack_files([name], HOT_LIMIT)[-1]
    assert pack_files([], HOT_LIMIT) == ([], [], [], [], frozenset())
    with monkeypatch.context() as patch:
        patch.setattr(os, "read", lambda *_: b"grown content")
        assert pack_files([name], HOT_LIMIT) == ([], [], [], [], frozenset({0}))

    def fail(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    for step in ("read", "open"):
        with monkeypatch.context() as patch:
            patch.setattr(os, step, fail)
            assert pack_files([name], HOT_LIMIT) == ([], [], [], [], frozenset({0}))


def test_what_becomes_a_pipe_while_it_is_looked_at_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = str(tmp_path / "file")
    (tmp_path / "file").write_bytes(b"content")
    looked_at = (tmp_path / "file").stat()
    (tmp_path / "file").unlink()
    os.mkfifo(name)
    monkeypatch.setattr(os, "stat", lambda _: looked_at)
    assert pack_files([name], HOT_LIMIT) == ([], [], [], [], frozenset({0}))
