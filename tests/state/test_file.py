"""Whatever happens to ``cache.db``: a read finds what was kept or nothing, a write goes on."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import threading
import warnings
from contextlib import closing
from dataclasses import replace as changed
from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.cache import CachedBookmarks, CachedStates, file
from aivcs.errors import RepositoryClosed, StorageError
from aivcs.repo import init
from aivcs.services.state_store import StateStore
from aivcs.testing.state_store import Watch, snapshot_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from aivcs.repo import Repo

VALUES = {f"exec:e:var:{number}": b"%d" % number * (number * 40) for number in range(40)}


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    with init(tmp_path, clock=Watch()) as repo:
        yield repo


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".aivcs" / "cache.db"


def impatient(repo: Repo, path: Path) -> StateStore:
    """Return a store that waits for no lock."""
    cache = CachedStates(path, read_seconds=0.01, write_seconds=0.05)
    return StateStore(cache, repo._ledger, repo.objects, repo.clock)


def fill(store: StateStore) -> None:
    for key, value in VALUES.items():
        store.set(key, value)
    for number in range(10):
        store.save_snapshot(snapshot_of(f"e{number}", number, variables={"n": [number] * 50}))


def check_truthful(store: StateStore) -> int:
    """Check that nothing is wrong; return how much is there."""
    found = {key: store.get(key) for key in VALUES}
    assert all(value in {None, VALUES[key]} for key, value in found.items())
    count = sum(value is not None for value in found.values())
    for number in range(10):
        snapshot = store.load_snapshot(f"e{number}")
        if snapshot is not None:
            assert snapshot.variables == {"n": [number] * 50}
            assert snapshot.sequence_number == number
            count += 1
    assert set(store.list_snapshots("acme", 50)) <= {f"e{number}" for number in range(10)}
    return count


def delete(path: Path) -> None:
    path.unlink()


def empty(path: Path) -> None:
    os.truncate(path, 0)


def halve(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def cut_within_a_page(path: Path) -> None:
    os.truncate(path, 5000)


def overwrite(path: Path) -> None:
    path.write_bytes(b"no database at all " * 500)


def zero(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def replace(path: Path) -> None:
    """Put another database in its place, with other tables of the same names."""
    other = path.with_name("other.db")
    with closing(sqlite3.connect(other)) as database:
        database.execute("CREATE TABLE snapshots (a, b)")
        database.execute("CREATE TABLE key_values (key, value)")
        database.execute("INSERT INTO key_values VALUES ('exec:e:var:1', 7)")
        database.commit()
    other.replace(path)


HARM = [delete, empty, halve, cut_within_a_page, overwrite, zero, replace]


@pytest.mark.parametrize("harm", HARM, ids=lambda harm: harm.__name__)
@pytest.mark.parametrize("reopened", [False, True], ids=["open", "reopened"])
def test_it_goes_on(repo: Repo, path: Path, harm: Callable[[Path], None], reopened: bool) -> None:
    fill(repo.state)
    assert check_truthful(repo.state) == 50
    harm(path)
    store = impatient(repo, path) if reopened else repo.state
    check_truthful(store)
    store.delete("exec:e:var:3")
    store.delete_execution_state("e0")
    store.sweep()
    fill(store)
    assert check_truthful(store) == 50
    assert check_truthful(repo.state) == 50
    store.health_check()
    assert repo.verify().ok


def test_what_is_absent_is_not_made_by_reading(repo: Repo, path: Path) -> None:
    store = repo.state
    assert store.get("k") is None
    assert store.load_snapshot("e") is None
    assert store.list_snapshots("acme") == []
    store.delete("k")
    store.delete_execution_state("e")
    assert store.sweep() == 0
    assert not path.exists()


def test_every_flipped_byte_is_noticed(repo: Repo, path: Path, tmp_path: Path) -> None:
    fill(repo.state)
    whole = path.read_bytes()
    dice = random.Random(7)  # noqa: S311 - dice, no secrets
    place = tmp_path / "flipped.db"
    for _ in range(300):
        data = bytearray(whole)
        at = dice.randrange(len(data))
        data[at] ^= dice.randrange(1, 256)
        place.write_bytes(data)
        store = impatient(repo, place)
        check_truthful(store)
        store.set("exec:e:var:7", VALUES["exec:e:var:7"])
        assert store.get("exec:e:var:7") == VALUES["exec:e:var:7"]
        check_truthful(store)
        store.close()


def test_pages_that_change_places(repo: Repo, path: Path, tmp_path: Path) -> None:
    fill(repo.state)
    whole = path.read_bytes()
    pages = [whole[at : at + 4096] for at in range(0, len(whole), 4096)]
    dice = random.Random(11)  # noqa: S311 - dice, no secrets
    place = tmp_path / "shuffled.db"
    for _ in range(60):
        one, other = dice.sample(range(len(pages)), 2)
        mixed = list(pages)
        mixed[one], mixed[other] = mixed[other], mixed[one]
        place.write_bytes(b"".join(mixed))
        store = impatient(repo, place)
        check_truthful(store)
        store.set("exec:e:var:7", VALUES["exec:e:var:7"])
        check_truthful(store)
        store.close()


def test_a_lock_that_nobody_gives_back(repo: Repo, path: Path) -> None:
    store = impatient(repo, path)
    fill(store)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert store.get("exec:e:var:1") is None
        assert store.list_snapshots("acme") == []
        store.set("k", b"in a new file")
        assert store.get("k") == b"in a new file"
    assert store.get("k") == b"in a new file"
    assert store.get("exec:e:var:1") is None


def test_a_lock_that_is_given_back(repo: Repo, path: Path) -> None:
    fill(repo.state)
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN EXCLUSIVE")
        release = threading.Timer(0.1, lambda: other.execute("COMMIT"))
        release.start()
        assert repo.state.get("exec:e:var:1") == VALUES["exec:e:var:1"]
        release.join()
        other.execute("BEGIN IMMEDIATE")
        release = threading.Timer(0.1, lambda: other.execute("COMMIT"))
        release.start()
        repo.state.set("k", b"v")
        release.join()
    assert check_truthful(repo.state) == 50


def test_where_nothing_can_be_kept(repo: Repo, path: Path) -> None:
    path.mkdir()
    store = repo.state
    assert store.get("k") is None
    assert store.load_snapshot("e") is None
    for write in (
        lambda: store.set("k", b"v"),
        lambda: store.save_snapshot(snapshot_of("e")),
        lambda: store.delete("k"),
        store.health_check,
    ):
        with pytest.raises(StorageError, match=r"cache\.db cannot be written") as refused:
            write()
        assert refused.value.hint
    assert repo.verify().ok


def test_a_file_that_is_replaced_again_and_again(
    repo: Repo, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.state.set("k", b"v")
    numbers = iter(range(10_000))
    monkeypatch.setattr(file, "_identity", lambda _: (0, next(numbers)))
    assert repo.state.get("k") is None
    with pytest.raises(StorageError, match="again and again"):
        repo.state.set("k", b"w")
    assert path.exists()


def test_a_row_that_does_not_come_back(repo: Repo, path: Path) -> None:
    fill(repo.state)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        for table in ("snapshots", "key_values"):
            other.execute(
                f"CREATE TRIGGER no_{table} BEFORE INSERT ON {table}"
                " BEGIN SELECT RAISE(IGNORE); END"
            )
    repo.state.set("k", b"v")
    assert repo.state.get("k") == b"v"
    assert check_truthful(repo.state) == 0


def test_an_expired_value_that_cannot_be_removed(
    repo: Repo, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = repo.clock
    assert isinstance(clock, Watch)
    store = impatient(repo, path)
    store.set("k", b"v", ttl=1)
    clock.move(1)

    def refuse(*_: object) -> None:
        msg = "no"
        raise StorageError(msg)

    monkeypatch.setattr(file.CacheFile, "write", refuse)
    assert store.get("k") is None


def test_a_forked_child_is_told(repo: Repo) -> None:
    repo.state.set("k", b"v")
    child = os.fork()
    if not child:
        try:
            repo.state.get("k")
        except RepositoryClosed:
            os._exit(0)
        os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert repo.state.get("k") == b"v"


def test_bookmarks_and_states_share_the_file(repo: Repo, path: Path) -> None:
    bookmarks = CachedBookmarks(path)
    repo.state.set("k", b"v")
    bookmarks.add(["one"])
    assert repo.state.get("k") == b"v"
    assert bookmarks.marks() == {"one"}
    bookmarks.clear()
    assert repo.state.get("k") == b"v"


def test_a_snapshot_of_another_version(repo: Repo, path: Path) -> None:
    repo.state.save_snapshot(snapshot_of("e"))
    cache = CachedStates(path)
    cached = cache.snapshot("e")
    assert cached is not None
    text = cached.text.replace("Running", "Dreaming")
    cache.keep_snapshot(changed(cached, text=text, history=b"odd"), force=True)
    cache.close()
    assert repo.state.load_snapshot("e") is None
    assert repo.state.load_fresh("e") is None


def test_a_forked_child_waits_for_no_lock(repo: Repo) -> None:
    """Who held the lock is not in the child, and nobody would ever let it go there."""
    file = repo.state._cache._file  # type: ignore[attr-defined]
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with file._lock:
            held.set()
            done.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(30)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a fork beside threads, which this is about
        child = os.fork()
    if not child:
        signal.alarm(20)
        told = 0
        calls: list[Callable[[], object]] = [
            lambda: repo.state.get("k"),
            lambda: repo.state.set("k", b"v"),
            lambda: repo.state.delete("k"),
        ]
        for call in calls:
            try:
                call()
            except RepositoryClosed:
                told += 1
        repo.state.close()
        os._exit(0 if told == 3 else 1)
    done.set()
    thread.join()
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    repo.state.set("k", b"v")
    assert repo.state.get("k") == b"v"
