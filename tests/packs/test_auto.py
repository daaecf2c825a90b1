"""Sealing that begins by itself, after a process that wrote."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from aivcs.adapters import background
from aivcs.adapters.memory_ledger import MemoryLedger
from aivcs.domain.batch import Batch
from aivcs.domain.digest import Digest
from aivcs.domain.sealed import Sealed
from aivcs.domain.stored import Codec, StoredObject
from aivcs.errors import InvalidConfig, StorageError
from aivcs.repo import init, open_repo
from aivcs.services.auto_sealing import AutoSeal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from aivcs.repo import Repo

_PATIENCE_SECONDS = 60
_OBJECTS = [b"one", b"two", b"three", b"four", b"five"]


def wait_until_sealed(repo: Repo) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while repo._ledger.backlog():
        assert time.monotonic() < deadline, "nobody sealed"
        time.sleep(0.01)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Make a repository that seals itself from five objects on."""
    init(tmp_path).close()
    with (tmp_path / ".aivcs" / "config.toml").open("a") as config:
        config.write("\n[seal]\nthreshold = 5\n")
    return tmp_path


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    calls: list[Sequence[str]] = []
    monkeypatch.setattr(background, "start", calls.append)
    return calls


def test_a_command_that_wrote_enough_starts_a_sealer(place: Path) -> None:
    for number in range(5):
        (place / f"{number}.txt").write_bytes(b"text %d" % number)
    names = [f"{number}.txt" for number in range(5)]
    command = [sys.executable, "-m", "aivcs", "object", "put", *names]
    done = subprocess.run(command, cwd=place, capture_output=True, check=True)
    assert done.stderr == b""
    with open_repo(place) as repo:
        wait_until_sealed(repo)
        assert len(repo._ledger.packs()) == 1
        assert repo.objects.get(Digest.of(b"text 3")) == b"text 3"


def test_the_sealer_is_started_for_this_repository(
    place: Path, started: list[Sequence[str]]
) -> None:
    with open_repo(place) as repo:
        repo.objects.put_many(_OBJECTS)
    assert started == [["-C", str(place / ".aivcs"), "seal", "--auto"]]
    repo.close()
    assert len(started) == 1


def test_who_read_or_wrote_little_starts_nothing(place: Path, started: list[Sequence[str]]) -> None:
    with open_repo(place) as repo:
        repo.objects.put_many(_OBJECTS[:4])
    assert started == []
    with open_repo(place) as repo:
        repo.objects.put(_OBJECTS[4])
    assert len(started) == 1
    with open_repo(place) as repo:
        repo.objects.get(Digest.of(_OBJECTS[0]))
    assert len(started) == 1


def test_who_sealed_starts_nothing(place: Path, started: list[Sequence[str]]) -> None:
    with open_repo(place) as repo:
        repo.objects.put_many(_OBJECTS)
        repo.seal()
        repo.objects.put_many([data * 2 for data in _OBJECTS])
    assert started == []


def test_nothing_is_started_while_somebody_is_at_upkeep(
    place: Path, started: list[Sequence[str]]
) -> None:
    with open_repo(place) as other, other._ledger.upkeep(wait=True):
        with open_repo(place) as repo:
            repo.objects.put_many(_OBJECTS)
        assert started == []
        with open_repo(place) as repo:
            assert repo.seal(auto=True) == Sealed(busy=True)


def test_it_can_be_turned_off(tmp_path: Path, started: list[Sequence[str]]) -> None:
    init(tmp_path).close()
    config = tmp_path / ".aivcs" / "config.toml"
    config.write_text("[seal]\nauto = false\nthreshold = 1\n")
    with open_repo(tmp_path) as repo:
        repo.objects.put_many(_OBJECTS)
    assert started == []


def test_a_repository_in_memory_starts_nothing(started: list[Sequence[str]]) -> None:
    with open_repo("memory:") as repo:
        repo.objects.put_many(b"%d" % number for number in range(100))
    assert started == []


def test_a_forked_child_starts_nothing(place: Path, started: list[Sequence[str]]) -> None:
    with open_repo(place) as repo:
        repo.objects.put_many(_OBJECTS)
        pid = os.fork()
        if not pid:
            repo.close()
            os._exit(len(started))
        assert os.waitpid(pid, 0)[1] == 0


def test_seal_auto_seals_only_when_it_pays(place: Path) -> None:
    with open_repo(place) as repo:
        repo.objects.put_many(_OBJECTS[:4])
        assert repo.seal(auto=True) == Sealed()
        repo.objects.put(_OBJECTS[4])
        assert repo.seal(auto=True).objects == 5


@pytest.mark.parametrize(
    "setting", ["threshold = 0", "threshold = -1", "threshold = true", "auto = 1", "often = true"]
)
def test_settings_that_cannot_be_are_refused(tmp_path: Path, setting: str) -> None:
    init(tmp_path).close()
    (tmp_path / ".aivcs" / "config.toml").write_text(f"[seal]\n{setting}\n")
    with pytest.raises(InvalidConfig, match=setting.split(" ", 1)[0]):
        open_repo(tmp_path)


def test_a_ledger_that_fails_is_no_reason_to_fail() -> None:
    class Failing(MemoryLedger):
        def backlog(self) -> int:
            msg = "the disk failed"
            raise StorageError(msg)

    started: list[None] = []
    AutoSeal(Failing(), 1, lambda: True, lambda: started.append(None)).leave()
    assert started == []


def test_at_most_one_is_started() -> None:
    ledger = MemoryLedger()
    row = StoredObject(Digest.of(b"one"), 3, Codec.RAW, b"one")
    ledger.commit(Batch(objects=(row,)))
    started: list[None] = []
    auto = AutoSeal(ledger, 1, lambda: True, lambda: started.append(None))
    auto.leave()
    auto.leave()
    assert started == [None]


def test_whoever_starts_it_waits_for_nothing(place: Path) -> None:
    """The sealer lives on when its starter has ended, and holds none of its files open."""
    with open_repo(place) as repo:
        repo.objects.put_many(_OBJECTS)
        repo._sealing = None
        reading, writing = os.pipe()
        os.set_inheritable(writing, True)  # noqa: FBT003 - takes it so only
        with repo._ledger.upkeep(wait=True) as alone:
            assert alone
            # Without --auto it waits until we let go.
            code = (
                "import sys; from aivcs.adapters import background; background.start(sys.argv[1:])"
            )
            starter = [sys.executable, "-c", code, "-C", str(place), "seal"]
            subprocess.run(starter, pass_fds=[writing], capture_output=True, check=True)
            os.close(writing)
            assert os.read(reading, 1) == b""
            os.close(reading)
            assert repo._ledger.backlog()
        wait_until_sealed(repo)


def test_what_cannot_be_started_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "_started", [])
    monkeypatch.setattr(sys, "executable", "")
    background.start(["--version"])
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    background.start(["--version"])
    assert background._started == []


def test_a_program_that_is_no_interpreter_is_not_started_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(background, "_started", [])
    application = tmp_path / "application"
    application.symlink_to(sys.executable)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", str(application))
        background.start(["--version"])
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    background.start(["--version"])
    assert background._started == []


def test_processes_that_ended_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "_started", [])
    background.start(["--version"])
    (first,) = background._started
    os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
    background.start(["--version"])
    (second,) = background._started
    assert second != first
    os.waitpid(second, 0)
    monkeypatch.setattr(sys, "executable", "")
    background.start(["--version"])
    assert background._started == []
