"""Drafts of files: nothing stays of a writer that was killed, and a living one keeps its own."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.files import durable, write_atomically
from aivcs.adapters.files.drafts import sweep_drafts
from aivcs.errors import StorageError
from aivcs.repo import init, open_repo

if TYPE_CHECKING:
    from pathlib import Path

_KILLED = """
import os, signal, sys
from pathlib import Path
from aivcs.repo import init
die = lambda self, target: os.kill(os.getpid(), signal.SIGKILL)
Path.replace = die
if sys.argv[2:]:
    from aivcs.adapters.files import write_atomically
    write_atomically(Path(sys.argv[1]) / ".aivcs" / "config.toml", b"")
init(sys.argv[1])
"""


def drafts(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


def killed(place: Path, *how: str) -> None:
    command = [sys.executable, "-c", _KILLED, str(place), *how]
    assert subprocess.run(command, check=False, timeout=60).returncode < 0


def test_the_next_init_clears_away(tmp_path: Path) -> None:
    killed(tmp_path)
    (left,) = drafts(tmp_path / ".aivcs")
    assert left.startswith("..gitignore.")
    init(tmp_path).close()
    assert drafts(tmp_path / ".aivcs") == [".gitignore"]


def test_gc_clears_away(tmp_path: Path) -> None:
    init(tmp_path).close()
    killed(tmp_path, "config")
    assert len(drafts(tmp_path / ".aivcs")) == 2
    with open_repo(tmp_path) as repo:
        repo.gc(dry_run=True)
        assert len(drafts(tmp_path / ".aivcs")) == 2
        repo.gc()
    assert drafts(tmp_path / ".aivcs") == [".gitignore"]


def test_the_draft_of_a_living_writer_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda _: seen.append(sweep_drafts(tmp_path)))
    write_atomically(tmp_path / "file", b"data")
    assert seen == [0, 0]
    assert (tmp_path / "file").read_bytes() == b"data"
    assert not drafts(tmp_path)


def test_what_is_no_draft_stays(tmp_path: Path) -> None:
    stay = [".gitignore", ".a.1.0123456789abcde", "a.1.0123456789abcdef", ".a.x.0123456789abcdef"]
    for name in stay:
        (tmp_path / name).touch()
    (tmp_path / ".a.1.0123456789abcdef").symlink_to(".a.1.0123456789abcdef")
    (tmp_path / ".b.1.0123456789abcdef").mkdir()
    assert sweep_drafts(tmp_path) == 0
    assert len(list(tmp_path.iterdir())) == 6
    with pytest.raises(StorageError, match="missing"):
        sweep_drafts(tmp_path / "missing")


def test_a_draft_that_was_swept_before_its_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[bool] = []

    def late(_: int) -> bool:
        calls.append(True)
        if len(calls) == 1:
            assert sweep_drafts(tmp_path) == 1
        return len(calls) != 2

    monkeypatch.setattr(durable, "lock", late)
    write_atomically(tmp_path / "file", b"data")
    assert len(calls) == 3
    assert (tmp_path / "file").read_bytes() == b"data"


def test_without_locks_it_is_written_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", flock)
    write_atomically(tmp_path / "file", b"data")
    assert (tmp_path / "file").read_bytes() == b"data"
    (tmp_path / ".a.1.0123456789abcdef").touch()
    with pytest.raises(StorageError):
        sweep_drafts(tmp_path)
