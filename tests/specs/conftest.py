from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, TypeAlias

import pytest

from aivcs.adapters.folder import read_folder, write_folder
from aivcs.adapters.git import git_state
from aivcs.adapters.memory_blobs import MemoryBlobs
from aivcs.adapters.memory_ledger import MemoryLedger
from aivcs.services.objects import CasStore
from aivcs.services.specs import SpecStore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from aivcs.ports import Clock

    Tree: TypeAlias = Callable[[Mapping[str, str | bytes]], Path]


GIT = shutil.which("git") or "git"


def git(place: Path, *arguments: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main")
    done = subprocess.run(
        [GIT, "-C", str(place), *who, *arguments],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    place = tmp_path / "project"
    (place / "agent").mkdir(parents=True)
    git(place, "init", "-q")
    (place / "agent/system.md").write_text("hello")
    return place


@pytest.fixture
def ledger() -> MemoryLedger:
    return MemoryLedger()


@pytest.fixture
def objects(ledger: MemoryLedger) -> CasStore:
    return CasStore(ledger, MemoryBlobs())


@pytest.fixture
def specs(ledger: MemoryLedger, objects: CasStore, clock: Clock) -> SpecStore:
    return SpecStore(
        ledger,
        objects,
        clock,
        read_folder=read_folder,
        write_folder=write_folder,
        git_state=git_state,
    )


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Write files into the folder ``agent``; again to add more."""

    def write(files: Mapping[str, str | bytes]) -> Path:
        root = tmp_path / "agent"
        for path, content in files.items():
            place = root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content.encode() if isinstance(content, str) else content)
        root.mkdir(exist_ok=True)
        return root

    return write
