"""What a repository publishes, and what stays as it was when that fails."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from aivcs.adapters.files.log_folder import FileLogFolder
from aivcs.domain.run import RunMetadata, RunStatus
from aivcs.domain.tile_tree import TileTree
from aivcs.errors import ConflictError, InvalidInputError, StorageError
from aivcs.repo import open_repo
from aivcs.testing.subject import by, end, note
from tests.publishing.subject import head, log, promote, spec_of

if TYPE_CHECKING:
    from pathlib import Path

    from aivcs.repo import Repo

PROMOTE = """
import sys
from aivcs.repo import open_repo
from aivcs.testing.subject import by
with open_repo(sys.argv[1]) as repo:
    spec = repo.specs.list()[0].digest
    for _ in range(10):
        repo.releases.promote(sys.argv[2], spec, by())
"""


def finish(repo: Repo, count: int = 1) -> list[str]:
    """Record runs that have ended."""
    found = []
    for _ in range(count):
        run_id = repo.runs.create_run(spec_of(repo), RunMetadata("agent"))
        repo.runs.append_event(run_id, note(1))
        end(repo, run_id, RunStatus.COMPLETED)
        found.append(str(run_id))
    return found


def entries(place: Path, name: str = "releases") -> list[bytes]:
    """Return the entries that are published, checked against the checkpoint."""
    folder = FileLogFolder(log(place, name))
    found = head(place, name).checkpoint
    tree = TileTree(found.size, found.root, folder.read)
    return [tree.entry(index) for index in range(found.size)]


def test_releases_are_published_at_once_and_runs_with_them(repo: Repo, place: Path) -> None:
    finish(repo, 2)
    assert not (place / ".aivcs" / "log").exists()
    promote(repo, 2)
    record = repo.releases.rollback("agent")
    assert record.log_index == 2
    assert len(entries(place)) == 3
    assert entries(place, "runs") == [seal.hash for seal in repo._ledger.seals()]
    finish(repo)
    assert len(entries(place, "runs")) == 2
    runs, releases = sorted(repo.publish(), key=lambda one: one.log, reverse=True)
    assert (runs.log, runs.added, releases.log, releases.added) == ("runs", 1, "releases", 0)
    assert len(entries(place, "runs")) == 3


def test_a_repository_in_memory_publishes_too() -> None:
    with open_repo("memory:") as repo:
        assert repo.publish() == []
        spec = repo.specs.add({"name": "a", "components": {"model": {"name": "m"}}}).digest
        repo.releases.promote("agent", spec, by())
        (found,) = repo.publish()
        assert found.checkpoint.checkpoint.size == 1
        assert repo.verify().ok


def test_what_cannot_be_published_is_a_warning(
    repo: Repo, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote(repo)
    told: list[str] = []
    repo.warn = told.append

    def full(*_: object, **__: object) -> None:
        msg = "no space left"
        raise StorageError(msg)

    with monkeypatch.context() as patched:
        patched.setattr(FileLogFolder, "write", full)
        promote(repo)
        with pytest.raises(StorageError):
            repo.publish()
    assert told == ["the release is recorded, but not published: no space left"]
    assert (len(repo.releases.history("agent")), head(place).checkpoint.size) == (2, 1)
    promote(repo)
    assert head(place).checkpoint.size == 3
    assert told[1:] == []


def test_many_who_promote_at_once_publish_one_log(place: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    children = [
        subprocess.Popen([sys.executable, "-c", PROMOTE, str(place), name], env=environment)
        for name in ("a", "b", "a")
    ]
    with open_repo(place) as repo:

        def one(name: str) -> Any:
            return repo.releases.promote(name, spec_of(repo), by())

        with ThreadPoolExecutor(4) as threads:
            list(threads.map(one, ["c", "d"] * 8))
        assert [child.wait() for child in children] == [0, 0, 0]
        lines = repo._ledger.release_log()
        assert len(lines) == 46
        repo.publish()
        assert len(entries(place)) == 46
        assert repo.verify().ok


def test_who_writes_for_too_long_is_not_waited_for(tmp_path: Path) -> None:
    one, other = FileLogFolder(tmp_path / "log"), FileLogFolder(tmp_path / "log", wait_seconds=0.01)
    with one.alone(), pytest.raises(StorageError, match="for too long"):
        other.alone().__enter__()
    with other.alone():
        pass


def test_files_of_a_log(tmp_path: Path) -> None:
    folder = FileLogFolder(tmp_path / "log")
    assert list(folder.paths()) == []
    assert folder.read("tile/0/000") is None
    folder.write("tile/0/000.p/1", b"one", final=True)
    folder.write("tile/0/000.p/1", b"two", final=False)
    folder.write("checkpoint", b"head", final=False)
    (tmp_path / "log" / ".draft.1.x").write_bytes(b"left by somebody who died")
    assert list(folder.paths()) == ["checkpoint", "tile/0/000.p/1"]
    assert folder.read("tile/0/000.p/1") == b"two"
    assert folder.read("checkpoint/beyond") is None
    folder.remove("tile/0/000.p")
    folder.remove("tile/0/000.p")
    assert list(folder.paths()) == ["checkpoint"]
    (tmp_path / "log" / "tile" / "0" / "000").mkdir()
    with pytest.raises(StorageError):
        folder.write("tile/0/000", b"there is a folder", final=False)
    assert [path.name for path in (tmp_path / "log" / "tile" / "0").iterdir()] == ["000"]


def named(repo: Repo) -> str | None:
    """Return the name of the logs."""
    return repo.origin


def test_the_name_of_the_logs_is_written_down(place: Path) -> None:
    with open_repo(place) as repo:
        promote(repo)
        assert named(repo) is None
        with pytest.raises(InvalidInputError, match="have no name"):
            repo.name_logs()
        for _ in range(2):
            assert repo.name_logs("example.com/agents") == "example.com/agents"
        assert repo.name_logs() == named(repo) == "example.com/agents"
        with pytest.raises(ConflictError, match=r"are called example\.com/agents"):
            repo.name_logs("other")
    with open_repo(place) as repo:
        assert repo.origin == "example.com/agents"
        promote(repo)
    assert head(place).checkpoint.origin == "example.com/agents/releases"
    with open_repo("memory:") as repo:
        assert repo.name_logs("a") == "a"


@pytest.mark.parametrize("origin", ["", "two words", "a+b", "\t"])
def test_a_name_that_no_log_can_have(place: Path, origin: str) -> None:
    with open_repo(place) as repo, pytest.raises(InvalidInputError):
        repo.name_logs(origin)
    with open_repo(place) as repo:
        assert repo.origin is None
