"""The index of the log on a nearly full file system of small blocks."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

import pytest

from aivcs.adapters.sqlite import SqliteLedger, index
from aivcs.errors import StorageError
from aivcs.repo import init

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ACTS = """
import sys
from aivcs.errors import StorageError
from aivcs.repo import open_repo
with open_repo(sys.argv[1]) as repo:
    (digest,) = repo.objects.list()
    assert repo.objects.get(digest) == b"kept"
    try:
        repo.objects.unpin([digest])
        repo.objects.pin([digest])
        repo.objects.put(bytes(range(256)) * 99)
    except StorageError as error:
        assert "no space left" in error.message
"""


@pytest.fixture
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Mount a file system with blocks of 1 KiB."""
    folder = tmp_path_factory.mktemp("blocks")
    image, point = folder / "image", folder / "point"
    point.mkdir()
    image.touch()
    os.truncate(image, 16 * 2**20)
    make = ["mkfs.ext4", "-q", "-m0", "-b", "1024", str(image)]
    mount = ["mount", "-o", "loop", str(image), str(point)]
    if os.geteuid() or not shutil.which(make[0]):
        pytest.skip("needs root and mkfs.ext4")
    subprocess.run(make, check=True)
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("this process may not mount")
    yield point
    subprocess.run(["umount", str(point)], check=True)  # noqa: S607 - found by PATH


def leave(disk: Path, size: int) -> None:
    """Leave so many bytes free."""
    ballast = disk / "ballast"
    ballast.unlink(missing_ok=True)
    os.sync()
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1024))
    os.truncate(ballast, ballast.stat().st_size - size)
    os.sync()


def test_nobody_is_killed_whatever_is_free(disk: Path) -> None:
    with init(disk) as repo:
        repo.objects.put(b"kept", pin=True)
    for kib in (0, 8, 24, 36, 56, 72, 100):
        leave(disk, kib * 1024)
        command = [sys.executable, "-c", _ACTS, str(disk)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        assert (kib, done.returncode, done.stderr) == (kib, 0, "")


def test_the_index_has_all_its_space(disk: Path) -> None:
    init(disk).close()
    path = disk / ".aivcs" / "aivcs.db"
    ledger = SqliteLedger(path)
    found = path.with_name("aivcs.db-shm").stat()
    assert found.st_blocks * 512 >= found.st_size >= 32768
    other = SqliteLedger(path)
    other.close()
    ledger.close()


def test_claiming_where_it_cannot_be_done(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, shm = disk / "a-wal", disk / "a-shm"
    shm.touch()
    os.truncate(shm, 32768)
    places = disk / "fd"
    places.mkdir()
    (places / "0").symlink_to(shm)
    (places / "no-link").touch()

    def full(*_: int) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    assert not index.claim(log, str(places))
    assert index.claim(log, str(disk / "no-folder"))
    shm.unlink()
    assert index.claim(log, str(places))


def test_who_cannot_have_it_opens_alone(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    init(disk).close()
    monkeypatch.setattr(index, "claim", lambda _: False)
    path = disk / ".aivcs" / "aivcs.db"
    ledger = SqliteLedger(path)
    with pytest.raises(StorageError, match="has been locked"):
        SqliteLedger(path, wait_seconds=0.01)
    ledger.close()


def test_a_part_of_the_index_is_claimed_before_the_log_needs_it(disk: Path) -> None:
    init(disk).close()
    path = disk / ".aivcs" / "aivcs.db"
    ledger = SqliteLedger(path)
    shm = path.with_name("aivcs.db-shm")
    found = shm.stat()
    assert found.st_size >= 65536
    assert found.st_blocks * 512 >= 65536
    ledger.close()
