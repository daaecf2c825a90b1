"""Leases: who lives holds, who died does not, and nobody needs a clock for it."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.sqlite import SqliteLedger
from aivcs.domain.batch import Batch
from aivcs.errors import RepositoryClosed, StorageError
from aivcs.testing.ledger import stored
from aivcs.testing.ledger_objects import big, seal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ITEM, OLD = stored(b"held"), stored(b"was there before")
DIGESTS = [ITEM.digest, OLD.digest, big().digest]
_HOLDER = """
import sys
from pathlib import Path
from aivcs.adapters.sqlite import SqliteLedger
from aivcs.domain.batch import Batch
from aivcs.testing.ledger import stored
from aivcs.testing.ledger_objects import big
ledger = SqliteLedger(Path(sys.argv[1]))
ledger.commit(Batch(objects=(stored(b"held"), stored(b"was there before")), hold=True))
ledger.commit(Batch(holds=(big().digest,)))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    ledger = SqliteLedger(tmp_path / "aivcs.db", create=True)
    ledger.commit(Batch(objects=(OLD,)))
    ledger.close()
    return tmp_path / "aivcs.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[SqliteLedger]:
    ledger = SqliteLedger(path)
    yield ledger
    ledger.close()


@pytest.fixture
def holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Return a process that holds the three digests until it dies."""
    command = [sys.executable, "-c", _HOLDER, str(path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def files(path: Path) -> list[str]:
    return [found.name for found in (path.parent / "tmp").glob("lease-*")]


def test_a_killed_process_holds_nothing(
    path: Path, ledger: SqliteLedger, holder: subprocess.Popen[str]
) -> None:
    assert ledger.unnamed(DIGESTS) == set()
    assert ledger.reap() == 0
    assert all(row.held for row in ledger.survey())
    holder.kill()
    holder.wait()
    assert ledger.unnamed(DIGESTS) == set(DIGESTS)
    assert not any(row.held for row in ledger.survey())
    assert len(files(path)) == 1
    assert ledger.reap() == 1
    assert files(path) == []
    assert ledger._db.rows("SELECT (SELECT count(*) FROM leases) + count(*) FROM holds") == [(0,)]
    assert ledger.unnamed(DIGESTS) == set(DIGESTS)


def test_the_holds_outlive_a_new_index(ledger: SqliteLedger, holder: subprocess.Popen[str]) -> None:
    seal(ledger, [ITEM])
    ledger.reset_index()
    assert ledger.unnamed(DIGESTS) == set()
    holder.kill()
    holder.wait()
    assert ledger.unnamed(DIGESTS) == set(DIGESTS)


def test_a_closed_ledger_holds_nothing(path: Path, ledger: SqliteLedger) -> None:
    other = SqliteLedger(path)
    other.commit(Batch(objects=(ITEM,), hold=True))
    assert len(files(path)) == 1
    assert ledger.unnamed(DIGESTS[:2]) == {OLD.digest}
    other.close()
    other.close()
    assert files(path) == []
    assert ledger.unnamed(DIGESTS[:2]) == set(DIGESTS[:2])
    assert ledger.reap() == 1


def test_no_lease_is_taken_where_nothing_is_held(path: Path, ledger: SqliteLedger) -> None:
    ledger.commit(Batch(objects=(ITEM,)))
    assert files(path) == []
    assert ledger._db.rows("SELECT * FROM leases") == []


def test_a_lease_whose_row_was_rolled_back(path: Path, ledger: SqliteLedger) -> None:
    def fail() -> None:
        with ledger.exclusive():
            ledger.commit(Batch(objects=(ITEM,), hold=True))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert ledger._db.rows("SELECT * FROM leases") == []
    ledger.commit(Batch(objects=(ITEM,), hold=True))
    ledger.commit(Batch(objects=(OLD,), hold=True))
    assert len(ledger._db.rows("SELECT * FROM leases")) == len(files(path)) == 1
    assert ledger.unnamed(DIGESTS[:2]) == set()


def test_a_lease_whose_file_somebody_cleared_away(path: Path, ledger: SqliteLedger) -> None:
    ledger.commit(Batch(objects=(ITEM, OLD), hold=True))
    shutil.rmtree(path.parent / "tmp")
    # The next one that is held takes a new lease, which takes over the old one's.
    ledger.commit(Batch(holds=(big().digest,)))
    other = SqliteLedger(path)
    assert other.reap() == 1
    assert other.unnamed(DIGESTS) == set()
    ledger.close()
    assert other.reap() == 1
    assert other.unnamed(DIGESTS) == set(DIGESTS)
    assert files(path) == []
    other.close()


def _in_a_fork(action: Callable[[], object]) -> bool:
    """Do something in a forked child and tell whether it did not fail."""
    child = os.fork()
    if not child:
        try:
            action()
        except BaseException:  # noqa: BLE001 - the child must not become a second test run
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def test_a_forked_child_lets_nothing_go(path: Path, ledger: SqliteLedger) -> None:
    ledger.commit(Batch(objects=(ITEM,), hold=True))

    def store() -> None:
        with pytest.raises(RepositoryClosed, match="forked"):
            ledger.commit(Batch(objects=(OLD,), hold=True))

    assert _in_a_fork(store)
    assert _in_a_fork(ledger.close)
    assert len(files(path)) == 1
    assert ledger.unnamed([ITEM.digest]) == set()
    assert ledger.reap() == 0


def test_a_file_without_a_row_goes(path: Path, ledger: SqliteLedger) -> None:
    folder = path.parent / "tmp"
    folder.mkdir()
    (folder / "lease-1.aa").write_bytes(b"")
    (folder / "blob.1.aa.part").write_bytes(b"")
    ledger.commit(Batch(objects=(ITEM,), hold=True))
    assert ledger.reap() == 0
    assert len(files(path)) == 1
    assert (folder / "blob.1.aa.part").exists()


def test_a_file_that_is_cleared_away_as_it_is_made(
    path: Path, ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = fcntl.flock
    cleared: list[str] = []

    def clear_first(file: int, kind: int) -> None:
        # The first lock is that of the log.
        if not cleared and files(path):
            (name,) = files(path)
            cleared.append(name)
            (path.parent / "tmp" / name).unlink()
        lock(file, kind)

    monkeypatch.setattr(fcntl, "flock", clear_first)
    ledger.commit(Batch(objects=(ITEM,), hold=True))
    monkeypatch.undo()
    (name,) = files(path)
    assert name not in cleared
    assert ledger.unnamed([ITEM.digest]) == set()


def test_a_full_disk_has_no_lock_and_is_named(
    ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "open", full)
    with pytest.raises(StorageError, match="No space left") as caught:
        ledger.upkeep(wait=True).__enter__()
    assert caught.value.hint == "free some space"


def test_a_folder_in_which_no_lock_can_be(path: Path, ledger: SqliteLedger) -> None:
    (path.parent / "tmp").write_bytes(b"a file")
    with pytest.raises(StorageError, match="no lock can be taken"):
        ledger.commit(Batch(objects=(ITEM,), hold=True))
    with pytest.raises(StorageError, match="no lock can be taken"):
        ledger.upkeep(wait=False).__enter__()
    assert ledger.digests() == [OLD.digest]


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_who_may_only_read_asks_for_the_lock(
    path: Path, ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    opened = os.open

    def only_read(name: Path, flags: int, *more: int) -> int:
        if flags & os.O_CREAT:
            raise OSError(number, "no")
        return opened(name, flags, *more)

    with ledger.upkeep(wait=True):
        monkeypatch.setattr(os, "open", only_read)
        with ledger.upkeep(wait=False) as mine:
            assert not mine
    with ledger.upkeep(wait=True) as mine:
        assert mine
    (path.parent / "tmp" / "upkeep.lock").unlink()
    if number == errno.EACCES:
        # Somebody else may make the file at any moment.
        with pytest.raises(StorageError, match="no lock can be taken"):
            ledger.upkeep(wait=False).__enter__()
    else:
        with ledger.upkeep(wait=True) as mine:
            assert mine


def test_a_dead_process_is_not_at_upkeep(path: Path, ledger: SqliteLedger) -> None:
    script = (
        "import sys, pathlib; from aivcs.adapters.sqlite import SqliteLedger\n"
        "with SqliteLedger(pathlib.Path(sys.argv[1])).upkeep(wait=True):\n"
        "    print('at it', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "at it\n"
        with ledger.upkeep(wait=False) as mine:
            assert not mine
        process.kill()
        with ledger.upkeep(wait=True) as mine:
            assert mine
