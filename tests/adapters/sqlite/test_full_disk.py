"""A disk that is full: all can be read, and what is not needed can be taken away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import apsw
import pytest

from aivcs.adapters.sqlite import SqliteLedger
from aivcs.adapters.sqlite.connection import Connection
from aivcs.adapters.sqlite.space import Space
from aivcs.domain.batch import Batch
from aivcs.errors import StorageError
from aivcs.repo import init, open_repo
from aivcs.testing.objects import noise

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aivcs.repo import Repo

_KILLED = """
import os, signal, sys
from aivcs.repo import open_repo
from aivcs.testing.objects import noise
repo = open_repo(sys.argv[1])
repo.objects.put_many([noise(3000, number) for number in range(200)], pin=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    point = tmp_path_factory.mktemp("full")
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(point)]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("this process may not mount")
    yield point
    subprocess.run(["umount", str(point)], check=True)  # noqa: S607 - found by PATH


def fill(repo: Repo) -> int:
    """Store small objects until there is no space, in ever smaller parts; return how many."""
    stored = 0
    for many in (100, 10, 1):
        with pytest.raises(StorageError, match="no space left"):  # noqa: PT012
            while True:
                data = [noise(3000, number) for number in range(stored, stored + many)]
                repo.objects.put_many(data, pin=True)
                stored += many
    return stored


def stuff(disk: Path) -> Path:
    """Leave not one byte free, and return the file that took them."""
    ballast = disk / "ballast"
    with pytest.raises(OSError, match="No space"), ballast.open("wb", buffering=0) as file:  # noqa: PT012
        while True:
            file.write(bytes(4096))
    found = os.statvfs(disk)
    assert found.f_bavail == 0
    return ballast


def log(disk: Path) -> Path:
    return disk / ".aivcs" / "aivcs.db-wal"


def killed(disk: Path) -> int:
    """Let a process store 200 objects and die, so that its log is left.

    Returns the size that the file had before.
    """
    init(disk).close()
    before = (disk / ".aivcs" / "aivcs.db").stat().st_size
    command = [sys.executable, "-c", textwrap.dedent(_KILLED), str(disk)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert log(disk).stat().st_size > 500_000
    log(disk).with_name("aivcs.db-shm").unlink()
    return before


def test_what_was_filled_by_it_can_be_emptied_by_it(disk: Path) -> None:
    with init(disk) as repo:
        stored = fill(repo)
    assert not log(disk).exists()
    with open_repo(disk) as repo:
        digests = repo.objects.list(limit=10_000)
        assert len(digests) == stored
        assert repo.verify().ok
        repo.objects.unpin(digests[:1])
        repo.objects.delete(digests[0])
        repo.objects.unpin(digests[1:])
        assert repo.gc().objects == stored - 1
    assert (disk / ".aivcs" / "aivcs.db").stat().st_size < 600_000
    with open_repo(disk) as repo:
        assert fill(repo) > stored - 100


def test_all_can_be_read_where_no_byte_is_free(disk: Path) -> None:
    with init(disk) as repo:
        stored = fill(repo)
        repo.objects.unpin(repo.objects.list(limit=10_000))
    ballast = stuff(disk)
    with open_repo(disk) as repo:
        digests = repo.objects.list(limit=10_000)
        assert len(digests) == stored
        assert {len(data) for data in map(repo.objects.get, digests)} == {3000}
        assert repo.verify().ok
        with pytest.raises(StorageError, match="no space left") as caught:
            repo.objects.pin(digests)
        assert caught.value.hint == "free some space; what did not fit was not kept"
        with pytest.raises(StorageError, match="no space left"):
            repo.gc()
    ballast.unlink()
    with open_repo(disk) as repo:
        assert repo.gc().objects == stored


def test_the_log_of_a_killed_process_is_merged_where_no_byte_is_free(disk: Path) -> None:
    killed(disk)
    stuff(disk)
    with open_repo(disk) as repo:
        assert len(repo.objects.list(limit=10_000)) == 200
        assert repo.verify().ok
        # The log gave its space back.
        repo.objects.unpin(repo.objects.list(limit=10_000))
        assert repo.gc().objects == 200


def test_a_log_that_nobody_can_merge_is_read_by_one_at_a_time(disk: Path) -> None:
    before = killed(disk)
    path = disk / ".aivcs" / "aivcs.db"
    # Without what was kept free for it, as by another program.
    os.truncate(path, before)
    stuff(disk)
    ledger = SqliteLedger(path)
    assert len(ledger.digests()) == 200
    with pytest.raises(StorageError, match="has been locked"):
        SqliteLedger(path, wait_seconds=0.01)
    with pytest.raises(StorageError, match="no space left"):
        ledger.commit(Batch(deletions=tuple(ledger.digests())))
    ledger.close()
    other = SqliteLedger(path)
    assert len(other.digests()) == 200
    other.close()


def test_a_file_that_cannot_be_made_shorter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with init(tmp_path) as repo:
        repo.objects.put_many((noise(3000, number) for number in range(50)), pin=True)
        repo.objects.unpin(repo.objects.list())
        asked: list[str] = []

        def fail(_: Connection, sql: str) -> list[tuple[object, ...]]:
            asked.append(sql)
            msg = "no space left"
            raise StorageError(msg)

        monkeypatch.setattr(Connection, "maintain", fail)
        with pytest.raises(StorageError, match="no space left"):
            repo.gc()
        assert len(asked) == 2
        assert asked[0] != asked[1]
        monkeypatch.undo()
        assert repo.gc().freed_on_disk > 100_000


def test_a_log_that_somebody_reads_is_left(tmp_path: Path) -> None:
    init(tmp_path).close()
    path = tmp_path / ".aivcs" / "aivcs.db"
    reader, writer = apsw.Connection(str(path)), apsw.Connection(str(path))
    reader.execute("BEGIN; SELECT count(*) FROM streams")
    writer.execute("CREATE TABLE more (data); INSERT INTO more VALUES (zeroblob(400000))")
    space = Space(path, writer.filename_wal)
    space.cut_log(writer)
    assert log(tmp_path).stat().st_size > 400_000
    reader.execute("COMMIT")
    space.cut_log(writer)
    assert log(tmp_path).stat().st_size == 0
    reader.close()
    writer.close()


def test_a_folder_that_is_gone_is_not_full(tmp_path: Path) -> None:
    space = Space(tmp_path / "none" / "a.db", str(tmp_path / "none" / "a.db-wal"))
    assert space.near
    assert not space.is_little()
    assert not space.near
