"""What is no file, or a link that leads nowhere, in the place of a file of the repository."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.files.keyring import Keyring
from aivcs.adapters.files.log_folder import FileLogFolder
from aivcs.errors import AivcsError, CorruptionError, InvalidConfig, InvalidInputError, StorageError
from aivcs.repo import examine, init, keys, open_repo

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ODD: dict[str, Callable[[Path], None]] = {
    "fifo": os.mkfifo,
    "folder": os.mkdir,
    "loop": lambda path: path.symlink_to(path.name),
    "dangling": lambda path: path.symlink_to("/nonexistent/away"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with init(tmp_path / "outer" / "inner") as repo:
        assert repo.folder is not None
        return repo.folder


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("name", ["config.toml", "format"])
def test_the_place_of_a_file(folder: Path, odd: str, name: str) -> None:
    init(folder.parent.parent).close()  # it must not be taken for the one that is asked for
    (folder / name).unlink()
    ODD[odd](folder / name)
    said = "nothing is there" if odd in {"dangling", "loop"} else "not a regular file"
    for make in (open_repo, init):
        with pytest.raises(AivcsError, match=said) as raised:
            make(folder.parent)
        assert str(folder / name) in raised.value.message
        assert raised.value.hint
        assert raised.value.exit_code == (7 if "nothing" in said else 6)
    wrong = {one.name: one.detail for one in examine(folder.parent) if not one.ok}
    assert said in wrong["format" if name == "format" else "config"]


def test_a_folder_that_is_away_is_not_looked_for_above(folder: Path) -> None:
    init(folder.parent.parent).close()
    folder.rename(folder.with_name("away"))
    folder.symlink_to("/nonexistent/away")
    with pytest.raises(StorageError, match="link to /nonexistent/away"):
        open_repo(folder.parent)
    folder.unlink()
    folder.symlink_to("away")
    open_repo(folder.parent).close()


def test_a_missing_configuration_means_the_defaults(folder: Path) -> None:
    (folder / "config.toml").unlink()
    open_repo(folder).close()


@pytest.mark.parametrize("table", ["ledger", "objects"])
def test_an_empty_value(folder: Path, table: str) -> None:
    (folder / "config.toml").write_text(f'[{table}]\nurl = ""\n')
    with pytest.raises(InvalidConfig, match=rf"config.toml: url of \[{table}\] is empty"):
        open_repo(folder)


@pytest.mark.parametrize(
    "text", ["x = " + "[" * 5000, f"x = {'1' * 5000}", f"[seal]\nthreshold = 0x{'f' * 5000}"]
)
def test_what_is_too_much(folder: Path, tmp_path: Path, text: str) -> None:
    (folder / "config.toml").write_text(text)
    with pytest.raises(InvalidConfig, match=r"config.toml is not TOML"):
        open_repo(folder)
    agent = tmp_path / "agent"
    agent.mkdir()
    (agent / "aivcs.toml").write_text(text)
    with open_repo("memory:") as repo, pytest.raises(InvalidInputError, match=r"aivcs.toml is not"):
        repo.specs.add(agent)


def test_no_command_waits_for_a_writer(folder: Path) -> None:
    (folder / "config.toml").unlink()
    os.mkfifo(folder / "config.toml")
    command = [sys.executable, "-m", "aivcs", "-C", str(folder), "object", "list"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == CorruptionError.exit_code
    assert "config.toml is not a regular file" in done.stderr


@pytest.mark.parametrize("odd", ODD)
def test_a_signing_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, odd: str) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.delenv(keys.VARIABLE, raising=False)
    assert keys.signer("logs.example") is None
    path, _ = keys.create("logs.example")
    path.unlink()
    ODD[odd](path)
    with pytest.raises(AivcsError, match="logs"):
        keys.signer("logs.example")


def test_a_folder_of_keys_that_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.delenv(keys.VARIABLE, raising=False)
    keys.folder().parent.mkdir()
    keys.folder().symlink_to("/nonexistent/away")
    with pytest.raises(StorageError, match="nothing is there"):
        keys.signer("logs.example")
    with pytest.raises(StorageError, match="nothing is there"):
        list(Keyring(keys.folder()))


def test_a_published_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "checkpoint")
    with pytest.raises(CorruptionError, match="not a regular file"):
        FileLogFolder(tmp_path).read("checkpoint")
