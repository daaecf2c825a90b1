"""Zeros behind SQLite's log: when there are any, and that they never mean anything."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import apsw
import pytest

from aivcs.adapters.sqlite import SqliteLedger
from aivcs.adapters.sqlite.wal import ROOM, LogRoom
from aivcs.domain.batch import Batch
from aivcs.domain.digest import Digest
from aivcs.domain.stored import Codec, StoredObject
from aivcs.repo import init, open_repo
from aivcs.testing.objects import noise

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_HEADER = 32
_FRAME = 8192 + 24


def put(ledger: SqliteLedger, numbers: Iterable[int], size: int = 100) -> list[Digest]:
    digests = []
    for number in numbers:
        data = noise(size, number)
        row = StoredObject(Digest.of(data), size, Codec.RAW, data)
        ledger.commit(Batch(objects=(row,)))
        digests.append(row.digest)
    return digests


@pytest.fixture
def path(tmp_path: Path) -> Path:
    SqliteLedger(tmp_path / "a.db", create=True).close()
    return tmp_path / "a.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[SqliteLedger]:
    ledger = SqliteLedger(path)
    yield ledger
    ledger.close()


def log(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def size(path: Path) -> int:
    return log(path).stat().st_size


def zeros(path: Path) -> int:
    """Count the bytes behind the last frame that has anything in it."""
    data = log(path).read_bytes()
    return len(data) - len(data.rstrip(b"\0"))


def test_many_commits_find_room_in_the_log(path: Path, ledger: SqliteLedger) -> None:
    put(ledger, range(6))
    assert zeros(path) > ROOM - 10 * _FRAME
    before = size(path)
    put(ledger, range(6, 16))
    assert size(path) == before
    put(ledger, range(16, 56))
    assert before + ROOM <= size(path) < before + 6 * ROOM
    assert (size(path) - _HEADER) % _FRAME


def test_few_commits_write_no_more_than_they_need(path: Path, ledger: SqliteLedger) -> None:
    put(ledger, range(4))
    assert (size(path) - _HEADER) % _FRAME == 0
    assert size(path) < 25 * _FRAME


def test_a_commit_that_is_not_synced_makes_no_room(path: Path) -> None:
    ledger = SqliteLedger(path, durable=False)
    put(ledger, range(20))
    assert (size(path) - _HEADER) % _FRAME == 0
    ledger.close()


def test_large_commits_make_no_room(path: Path, ledger: SqliteLedger) -> None:
    put(ledger, range(12), size=ROOM)
    assert (size(path) - _HEADER) % _FRAME == 0


def test_the_last_one_who_closes_removes_the_log(path: Path) -> None:
    first, second = SqliteLedger(path), SqliteLedger(path)
    digests = put(first, range(8))
    first.close()
    assert log(path).exists()
    digests += put(second, range(8, 16))
    second.close()
    assert not log(path).exists()
    again = SqliteLedger(path)
    assert set(again.digests()) == set(digests)
    again.close()


def test_room_is_made_again_where_the_log_was_cut(path: Path, ledger: SqliteLedger) -> None:
    digests = put(ledger, range(10))
    other = apsw.Connection(str(path))
    assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() == (0, 0, 0)
    assert size(path) == 0
    digests += put(ledger, range(10, 13))
    assert zeros(path) > ROOM - 10 * _FRAME
    other.execute("CREATE TABLE of_another (x)")
    other.close()
    digests += put(ledger, range(13, 20))
    assert set(ledger.digests()) == set(digests)
    assert ledger.check() == []


def test_two_who_write_make_room_for_each_other(path: Path, ledger: SqliteLedger) -> None:
    other = SqliteLedger(path)
    digests = []
    for number in range(0, 60, 2):
        digests += put(ledger, [number]) + put(other, [number + 1])
    assert set(other.digests()) == set(digests)
    assert other.check() == []
    assert size(path) < 120 * 5 * _FRAME + ROOM
    other.close()


def copied(path: Path, folder: Path, data: bytes) -> Path:
    """Copy a database whose log is ``data``, as a power cut would leave them."""
    folder.mkdir()
    shutil.copy(path, folder / path.name)
    log(folder / path.name).write_bytes(data)
    return folder / path.name


def test_a_log_is_recovered_up_to_its_zeros(
    path: Path, ledger: SqliteLedger, tmp_path: Path
) -> None:
    digests = put(ledger, range(12))
    data = log(path).read_bytes()
    found = []
    for at in range(_HEADER, len(data), _FRAME):
        cut = data[:at] + bytes(len(data) - at)
        copy = SqliteLedger(copied(path, tmp_path / f"cut-{at}", cut))
        stored = copy.digests()
        assert copy.check() == []
        copy.close()
        found.append(len(stored))
        assert set(stored) == set(digests[: len(stored)])
    assert found[0] == 0
    assert found[-1] == len(digests)
    assert found == sorted(found)


def test_a_log_of_zeros_is_an_empty_one(path: Path, ledger: SqliteLedger, tmp_path: Path) -> None:
    put(ledger, range(6))
    copy = SqliteLedger(copied(path, tmp_path / "zeros", bytes(size(path))))
    assert copy.digests() == []
    digests = put(copy, range(9))
    assert set(copy.digests()) == set(digests)
    copy.close()


def test_sectors_of_a_torn_commit_among_zeros_mean_nothing(
    path: Path, ledger: SqliteLedger, tmp_path: Path
) -> None:
    digests = put(ledger, range(8))
    before = log(path).read_bytes()
    end = len(before.rstrip(b"\0"))
    put(ledger, [8])
    after = log(path).read_bytes()
    sectors = [at for at in range(0, len(after), 512) if before[at:][:512] != after[at:][:512]]
    assert len(before) == len(after)
    assert min(sectors) >= end - 8192
    for lost in sectors:
        torn = after[:lost] + before[lost : lost + 512] + after[lost + 512 :]
        copy = SqliteLedger(copied(path, tmp_path / f"torn-{lost}", torn))
        assert set(copy.digests()) == set(digests)
        assert copy.check() == []
        copy.close()


def test_a_killed_process_leaves_all_it_acknowledged(tmp_path: Path) -> None:
    code = """
        import os, signal, sys
        import aivcs
        repo = aivcs.open(sys.argv[1])
        for number in range(150):
            print(repo.objects.put(b"%d" % number, pin=True), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    init(tmp_path).close()
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    assert zeros(tmp_path / ".aivcs" / "aivcs.db") > 0
    with open_repo(tmp_path) as repo:
        said = {Digest.parse(line) for line in done.stdout.split()}
        assert len(said) == 150
        assert set(repo.objects.list()) == said
        assert repo.verify().ok


def test_a_forked_child_takes_no_room_from_its_parent(path: Path, ledger: SqliteLedger) -> None:
    digests = put(ledger, range(8))
    child = os.fork()
    if not child:
        ledger.close()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    before = size(path)
    digests += put(ledger, range(8, 100))
    assert size(path) > before
    assert zeros(path) > 0
    assert set(ledger.digests()) == set(digests)


@pytest.mark.parametrize("written", [None, 5000])
def test_a_full_disk_is_left_to_the_commits(
    path: Path, ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch, written: int | None
) -> None:
    calls = []
    real = os.pwrite

    def fail(file: int, data: bytes, offset: int) -> int:
        calls.append(offset)
        if written is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(file, data[:written], offset)

    monkeypatch.setattr(os, "pwrite", fail)
    digests = put(ledger, range(30))
    assert len(calls) == 1
    assert (size(path) - _HEADER) % _FRAME == 0
    assert set(ledger.digests()) == set(digests)


def test_a_log_is_never_begun_here(tmp_path: Path) -> None:
    room = LogRoom(str(tmp_path / "a.db-wal"))
    for _ in range(10):
        room.make()
    assert list(tmp_path.iterdir()) == []


def test_closing_ends_it(tmp_path: Path) -> None:
    place = tmp_path / "a.db-wal"
    place.write_bytes(b"x")
    room = LogRoom(str(place))
    opened = len(list(Path("/proc/self/fd").iterdir()))
    for number in range(6):
        place.write_bytes(bytes(number))
        room.make()
    assert place.stat().st_size == ROOM + 5
    for _ in range(2):
        room.close()
    place.write_bytes(bytes(100))
    room.make()
    assert place.stat().st_size == 100
    assert len(list(Path("/proc/self/fd").iterdir())) == opened
