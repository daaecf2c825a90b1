from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import aivcs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.repo import Repo

GIT = shutil.which("git") or "git"
REPOSITORY = Path(aivcs.__file__).parents[1]


@dataclass(frozen=True)
class Git:
    """The program git in a folder."""

    place: Path

    def __call__(self, *arguments: str) -> str:
        """Call it, expect success, and return what it prints."""
        done = self.call(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [GIT, "-C", str(self.place), *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )

    def write(self, path: str, text: str) -> Path:
        place = self.place / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        return place

    def commit(self, message: str = "change") -> str:
        self("add", "--all")
        self("commit", "--quiet", "--allow-empty", "-m", message)
        return self("rev-parse", "HEAD")

    def note(self, commit: str = "HEAD") -> list[str]:
        return self("notes", "--ref", "aivcs", "show", commit).splitlines()


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let git know Ada, and nothing of the machine; hooks find the package under test."""
    for name in [name for name in os.environ if name.startswith(("GIT_", "AIVCS"))]:
        monkeypatch.delenv(name)
    settings = {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CEILING_DIRECTORIES": str(tmp_path),
        "GIT_AUTHOR_NAME": "Ada",
        "GIT_AUTHOR_EMAIL": "ada@example.org",
        "GIT_COMMITTER_NAME": "Ada",
        "GIT_COMMITTER_EMAIL": "ada@example.org",
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "AIVCS_ACTOR": "ada",
        "PYTHONPATH": str(REPOSITORY),
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Git:
    """Stand in a new git repository with an agent in the folder ``bot``, and no commit."""
    place = tmp_path / "work"
    place.mkdir()
    git = Git(place)
    git("init", "--quiet", "--initial-branch=main")
    git.write("bot/aivcs.toml", 'name = "bot"\n')
    git.write("bot/system.md", "Be kind.\n")
    monkeypatch.chdir(place)
    return git


@pytest.fixture
def repo(git: Git) -> Iterator[Repo]:
    """Make a repository of aivcs at its root."""
    with aivcs.init(git.place) as repo:
        yield repo


@pytest.fixture
def remote(git: Git, tmp_path: Path) -> Git:
    """Give it the remote ``origin``: a bare repository."""
    place = tmp_path / "remote.git"
    Git(tmp_path)("init", "--quiet", "--bare", "--initial-branch=main", str(place))
    git("remote", "add", "origin", str(place))
    return Git(place)
