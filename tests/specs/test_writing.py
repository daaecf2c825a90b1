from __future__ import annotations

import errno
import stat
from typing import TYPE_CHECKING, NoReturn

import pytest

from aivcs.adapters.folder import write_folder
from aivcs.errors import IntegrityError, InvalidInputError, InvalidSpec, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILES = (("run.sh", True, (b"#!", b"/bin/sh")), ("a/b/c.md", False, ()))


@pytest.mark.parametrize("before", ["absent", "empty", "parents absent"])
def test_files_modes_and_folders_are_written(tmp_path: Path, before: str) -> None:
    target = tmp_path / ("x/y/out" if before == "parents absent" else "out")
    if before == "empty":
        target.mkdir()
    write_folder(target, FILES)
    assert (target / "run.sh").read_bytes() == b"#!/bin/sh"
    assert (target / "a/b/c.md").read_bytes() == b""
    modes = {
        path: stat.S_IMODE((target / path).stat().st_mode)
        for path in ("run.sh", "a/b/c.md", "a", "a/b", "")
    }
    assert modes == {"run.sh": 0o755, "a/b/c.md": 0o644, "a": 0o755, "a/b": 0o755, "": 0o755}
    assert [path.name for path in target.parent.iterdir()] == ["out"]


@pytest.mark.parametrize("before", ["file", "full folder", "broken link"])
def test_nothing_is_ever_overwritten(tmp_path: Path, before: str) -> None:
    target = tmp_path / "out"
    if before == "file":
        target.write_text("mine")
    elif before == "full folder":
        (target / "mine").mkdir(parents=True)
    else:
        (tmp_path / "real").write_text("mine")
        target.symlink_to("real")
    with pytest.raises(InvalidInputError, match="is there already") as caught:
        write_folder(target, FILES)
    assert caught.value.hint
    assert not (target / "run.sh").exists()


def test_the_folder_one_is_in_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidInputError, match="the folder you are in"):
        write_folder(".", FILES)
    assert not list(tmp_path.iterdir())


def test_an_error_of_the_source_leaves_nothing(tmp_path: Path) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"some"
        msg = "damaged"
        raise IntegrityError(msg)

    with pytest.raises(IntegrityError, match="damaged"):
        write_folder(tmp_path / "out", [*FILES, ("last.md", False, pieces())])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("path", ["../x", "/x", "a//b", "a/./b", ""])
def test_a_path_that_leads_out_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(InvalidSpec, match="not a path inside the spec"):
        write_folder(tmp_path / "in/out", [(path, False, ())])
    assert [found.name for found in tmp_path.rglob("*")] == ["in"]


@pytest.mark.parametrize("failing", ["os.fsync", "os.fchmod", "pathlib.Path.rename"])
def test_a_full_disk_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    def refuse(*_: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(failing, refuse)
        with pytest.raises(StorageError, match="cannot write: No space left") as caught:
            write_folder(tmp_path / "out", FILES)
    assert caught.value.hint
    assert "free some space" in caught.value.hint
    assert not list(tmp_path.iterdir())


def test_a_parent_that_is_a_file_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot write"):
        write_folder(tmp_path / "file/out", FILES)
    assert [found.name for found in tmp_path.iterdir()] == ["file"]
