"""Forked children hold nothing of the ledger; one that opens it again is like any other."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.sqlite import forking
from aivcs.repo import init, open_repo

if TYPE_CHECKING:
    from pathlib import Path

_BEGIN = """
import gc, os, signal, sys, threading, time
import aivcs
from aivcs.errors import StorageError
place = sys.argv[1]
repo = aivcs.open(place)

def in_child(work):
    child = os.fork()
    if not child:
        try:
            signal.alarm(60)
            work()
            os._exit(0)
        except BaseException as error:
            print(type(error).__name__, error, flush=True)
            os._exit(1)
    return child

def another(code):
    import subprocess
    words = [sys.executable, "-c", "import aivcs, os, sys; repo = aivcs.open(sys.argv[1]);" + code]
    return subprocess.run([*words, place], check=False, stdout=subprocess.PIPE).stdout

def ended(child):
    assert os.waitpid(child, 0)[1] == 0
"""


def acts(place: Path, code: str) -> None:
    """Run code with an open repository in a process of its own, which has one thread."""
    done = subprocess.run(
        [sys.executable, "-c", _BEGIN + code, str(place)],
        check=False,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout


@pytest.fixture
def place(tmp_path: Path) -> Path:
    init(tmp_path).close()
    return tmp_path


def contents(place: Path) -> set[bytes]:
    """Return all objects of a repository, which must be sound."""
    with open_repo(place) as repo:
        assert repo.verify().ok
        return {repo.objects.get(digest) for digest in repo.objects.list()}


def test_children_that_open_it_again_outlive_the_parents_handle(place: Path) -> None:
    acts(
        place,
        """
def work(read, said):
    own = aivcs.open(place)
    own.objects.put(b"early")
    os.write(said, b"x")
    os.read(read, 1)
    for number in range(20):
        own.objects.put(b"late %d" % number)
    own.close()

read, write = os.pipe()
heard, said = os.pipe()
child = in_child(lambda: work(read, said))
os.read(heard, 1)
repo.objects.put(b"of the parent")
repo.close()
os.write(write, b"x")
ended(child)
""",
    )
    late = {b"late %d" % number for number in range(20)}
    assert contents(place) == {b"early", b"of the parent", *late}


@pytest.mark.parametrize("how", ["repo.close()", "del repo; gc.collect()", "sys.exit(0)"])
def test_a_child_that_lets_go_takes_nothing_from_others(place: Path, how: str) -> None:
    acts(
        place,
        f"""
read, write = os.pipe()
def work():
    global repo
    os.read(read, 1)
    {how}

if not (child := os.fork()):
    work()
    os._exit(0)
repo.close()
another("repo.objects.put(b'of one that dies'); os.kill(os.getpid(), 9)")
os.write(write, b"x")
ended(child)
""",
    )
    assert contents(place) == {b"of one that dies"}


def test_a_fork_while_another_thread_commits(place: Path) -> None:
    acts(
        place,
        """
# A module that a thread imports at the moment of a fork stays locked in the child.
repo.objects.put(b"first")
enough = threading.Event()
def write():
    number = 0
    while not enough.is_set():
        repo.objects.put(b"of the thread %d" % number)
        number += 1

def work(number):
    with aivcs.open(place) as own:
        own.objects.put(b"of child %d" % number)

thread = threading.Thread(target=write)
thread.start()
for number in range(8):
    ended(in_child(lambda: work(number)))
enough.set()
thread.join()
repo.close()
""",
    )
    assert {b"of child %d" % number for number in range(8)} <= contents(place)


def test_a_fork_in_the_middle_of_a_transaction(place: Path) -> None:
    acts(
        place,
        """
def work():
    for _ in range(2):
        try:
            aivcs.open(place)
        except StorageError as error:
            assert "forked in the middle" in error.message
        else:
            os._exit(2)

with repo._ledger.exclusive():
    repo.objects.put(b"begun")
    ended(in_child(work))
    repo.objects.put(b"ended")
repo.close()
""",
    )
    assert contents(place) == {b"begun", b"ended"}


def test_a_thread_that_is_at_it_for_too_long(place: Path) -> None:
    acts(
        place,
        """
from aivcs.adapters.sqlite import forking
forking.WAIT_SECONDS = 0.05
begun, enough = threading.Event(), threading.Event()
def hold():
    with repo._ledger.exclusive():
        repo.objects.put(b"kept")
        begun.set()
        enough.wait()

def work():
    try:
        aivcs.open(place)
    except StorageError as error:
        assert "forked in the middle" in error.message
    else:
        os._exit(2)

thread = threading.Thread(target=hold)
thread.start()
begun.wait()
ended(in_child(work))
enough.set()
thread.join()
repo.close()
""",
    )
    assert contents(place) == {b"kept"}


def test_other_ledgers_may_be_opened_in_such_a_child(place: Path, tmp_path: Path) -> None:
    assert not forking.is_spoilt(place)
    acts(
        place,
        """
other = place + "/other"
aivcs.init(other).close()
def work():
    with aivcs.open(other) as own:
        own.objects.put(b"of the child")
with repo._ledger.exclusive():
    repo.objects.put(b"begun")
    ended(in_child(work))
repo.close()
""",
    )
    assert contents(tmp_path / "other") == {b"of the child"}


def test_a_handler_that_forks_in_a_transaction_harms_nobody(place: Path) -> None:
    acts(
        place,
        """
from aivcs.errors import RepositoryClosed

def handler(*_):
    if not (child := os.fork()):
        sys.exit(0)
    ended(child)

db = repo._ledger._ledger._db
db._db.execute("PRAGMA cache_size=-64")
signal.signal(signal.SIGUSR1, handler)
child = 0
try:
    with db.writing() as rows:
        for number in range(3000):
            rows.execute(
                "INSERT INTO refs (digest, role) VALUES (?, 'pin')",
                (number.to_bytes(32, "big"),),
            )
            if number == 2500:
                os.kill(os.getpid(), signal.SIGUSR1)
                child = os.fork()
                if not child:
                    raise KeyError
except KeyError:
    try:
        repo.objects.put(b"in the child")
    except RepositoryClosed:
        sys.exit(0)
    sys.exit(3)
ended(child)
assert repo._ledger._ledger._db.rows("SELECT count(*) FROM refs") == [(3000,)]
assert repo._ledger.check() == []
repo.close()
""",
    )


def test_threads_that_fork_at_the_same_time(place: Path) -> None:
    acts(
        place,
        """
repo.objects.put(b"first")
def fork():
    for _ in range(15):
        child = os.fork()
        if not child:
            os._exit(0)
        ended(child)

enough = threading.Event()
def write():
    number = 0
    while not enough.is_set():
        repo.objects.put(b"%d" % number)
        number += 1

threads = [threading.Thread(target=fork) for _ in range(3)]
writer = threading.Thread(target=write)
for thread in (*threads, writer):
    thread.start()
for thread in threads:
    thread.join()
enough.set()
writer.join()
after = threading.Thread(target=repo.objects.put, args=(b"after",))
after.start()
after.join(30)
assert not after.is_alive()
repo.close()
""",
    )
    assert b"after" in contents(place)


@pytest.mark.parametrize("act", ["repo.objects.get(kept)", "repo.close()", "repo._ledger.check()"])
def test_a_child_does_not_wait_for_a_thread_that_it_has_not(place: Path, act: str) -> None:
    acts(
        place,
        f"""
from aivcs.adapters.sqlite import forking
from aivcs.errors import RepositoryClosed
forking.WAIT_SECONDS = 0.05
kept = repo.objects.put(b"kept", pin=True)
begun, enough = threading.Event(), threading.Event()
def hold():
    with repo._ledger.exclusive():
        begun.set()
        enough.wait()

def work():
    try:
        {act}
    except RepositoryClosed:
        pass

thread = threading.Thread(target=hold)
thread.start()
begun.wait()
ended(in_child(work))
enough.set()
thread.join()
repo.close()
""",
    )
    assert contents(place) == {b"kept"}


def test_upkeep_is_free_although_a_child_lives(place: Path) -> None:
    acts(
        place,
        """
read, write = os.pipe()
with repo._ledger.upkeep(wait=False) as mine:
    assert mine
    child = in_child(lambda: os.read(read, 1))
with repo._ledger.upkeep(wait=False) as mine:
    assert mine
os.write(write, b"x")
ended(child)
repo.close()
""",
    )
