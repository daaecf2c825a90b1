"""A ledger whose files are taken away below an open handle: who writes is told."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.sqlite.turn import Turn
from aivcs.adapters.sqlite.whereabouts import Whereabouts
from aivcs.errors import StorageError
from aivcs.repo import init, open_repo

if TYPE_CHECKING:
    from collections.abc import Callable

    from aivcs.repo import Repo

_OTHER = """
import sys, aivcs
with aivcs.open(sys.argv[1]) as repo:
    repo.objects.put(b"of another")
"""


def another(place: Path) -> None:
    """Let another process write, and close as the last one that it knows of."""
    subprocess.run([sys.executable, "-c", _OTHER, str(place)], check=True)


def contents(place: Path) -> set[bytes]:
    with open_repo(place) as repo:
        assert repo.verify().ok
        return {repo.objects.get(digest) for digest in repo.objects.list()}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    init(tmp_path / "place").close()
    return tmp_path / "place"


def read_by_another_engine(place: Path) -> None:
    with closing(sqlite3.connect(place / ".aivcs" / "aivcs.db")) as db:
        db.execute("SELECT count(*) FROM hot").fetchall()


@pytest.mark.parametrize(
    "look",
    [lambda place: shutil.copytree(place, f"{place}.copy"), read_by_another_engine],
    ids=["copied", "read"],
)
def test_a_log_that_another_process_removed(place: Path, look: Callable[[Path], object]) -> None:
    repo = open_repo(place)
    repo.objects.put(b"before")
    look(place)
    another(place)
    for _ in range(2):
        with pytest.raises(StorageError, match="removed, moved or replaced") as raised:
            repo.objects.put(b"refused")
        assert "open the repository again" in (raised.value.hint or "")
    repo.close()
    assert contents(place) == {b"before", b"of another"}


def test_closing_such_a_handle_changes_nothing(place: Path) -> None:
    repo = open_repo(place)
    repo.objects.put(b"before")
    shutil.copytree(place, f"{place}.copy")
    another(place)
    with open_repo(place) as own:
        own.objects.put(b"after")
        files = sorted(path.name for path in (place / ".aivcs").iterdir())
        repo.close()
        assert sorted(path.name for path in (place / ".aivcs").iterdir()) == files
    assert contents(place) == {b"before", b"of another", b"after"}


def moved(place: Path) -> None:
    place.rename(f"{place}.moved")


def replaced(place: Path) -> None:
    shutil.copytree(place, f"{place}.copy")
    place.rename(f"{place}.moved")
    Path(f"{place}.copy").rename(place)


@pytest.mark.parametrize("take", [moved, replaced, shutil.rmtree])
@pytest.mark.parametrize("act", ["put", "put_large", "get", "compact"])
def test_a_folder_that_is_taken_away(place: Path, take: Callable[[Path], None], act: str) -> None:
    acts: dict[str, Callable[[Repo], object]] = {
        "put": lambda repo: repo.objects.put(b"refused"),
        "put_large": lambda repo: repo.objects.put(os.urandom(200_000)),
        "get": lambda repo: repo.objects.get(kept),
        "compact": lambda repo: repo.gc(),
    }
    repo = open_repo(place)
    kept = repo.objects.put(b"kept", pin=True)
    take(place)
    repo._ledger._ledger._db._files._next = 0.0  # type: ignore[attr-defined]  # a read looks again
    with pytest.raises(StorageError):
        acts[act](repo)
    repo.close()


def test_a_log_that_vanishes_during_the_commit(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = open_repo(place)
    repo.objects.put(b"before")
    answers = iter([True, False])
    monkeypatch.setattr(Whereabouts, "are_right", lambda _: next(answers, False))
    with pytest.raises(StorageError, match="what was written last may be lost"):
        repo.objects.put(b"in doubt")
    with pytest.raises(StorageError, match="may be lost"):
        repo.objects.list()


def test_a_log_that_comes_later(tmp_path: Path) -> None:
    ledger, log = tmp_path / "ledger", tmp_path / "log"
    ledger.touch()
    files = Whereabouts(str(ledger), str(log))
    assert files.are_right()
    log.touch()
    assert files.are_right()
    log.unlink()
    assert not files.are_right()


_READER = """
import sys
import aivcs
from aivcs.errors import StorageError
repo = aivcs.open(sys.argv[1])
known = repo.objects.list()
print("ready", flush=True)
sys.stdin.readline()
for read in (lambda: [repo.objects.get(one) for one in known], repo.verify):
    try:
        read()
    except StorageError as error:
        print(error.message)
    else:
        print("read")
"""


@pytest.mark.parametrize("writes", [True, False])
def test_a_reader_who_may_not_write_the_folder(place: Path, *, writes: bool) -> None:
    setpriv = shutil.which("setpriv")
    if os.geteuid() or setpriv is None:
        pytest.skip("needs root and setpriv")
    with open_repo(place) as repo:
        repo.objects.put_many([b"%d" % number for number in range(50)])
    others = [place.parent, *place.parent.parents[:3], place, *place.rglob("*")]
    for path in others:
        path.chmod(path.stat().st_mode | stat.S_IROTH | (stat.S_IXOTH if path.is_dir() else 0))
    user = [setpriv, "--reuid=65534", "--regid=65534", "--clear-groups"]
    with subprocess.Popen(
        [*user, sys.executable, "-c", _READER, str(place)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=place,
    ) as reader:
        assert reader.stdout is not None
        if not (line := reader.stdout.readline()):
            pytest.skip("another user cannot run this interpreter")
        assert line == "ready\n"
        if writes:
            with open_repo(place) as repo:
                repo.objects.put_many([b"new %d" % number for number in range(500)])
        said, _ = reader.communicate("\n", timeout=60)
    lines = said.splitlines()
    assert len(lines) == 2
    assert all(("is being written" in line) is writes for line in lines), lines


def test_a_relative_path_stays_where_it_was(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place.parent)
    with open_repo("place") as repo:
        monkeypatch.chdir("/")
        small, large = repo.objects.put(b"small", pin=True), repo.objects.put(os.urandom(200_000))
        assert repo.objects.get(small) == b"small"
        assert len(repo.objects.get(large)) == 200_000
        assert repo.verify().ok


_WRITER = """
import os, sys, aivcs
with aivcs.open(sys.argv[1]) as repo:
    for number in range(200):
        print(repo.objects.put(b"%d of %d" % (number, os.getpid())), flush=True)
    # Whoever closes believes to be the last one.
    sys.stdin.read()
"""


def test_a_copy_while_threads_and_processes_write(place: Path) -> None:
    with open_repo(place) as repo:
        repo.objects.put(b"first")
        words = [sys.executable, "-c", _WRITER, str(place)]
        pipe = subprocess.PIPE
        writers = [subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True) for _ in range(2)]
        # One that opens it while the locks are gone takes the index for left over.
        outs = [one.stdout for one in writers if one.stdout]
        kept = [out.readline().strip() for out in outs]

        def write() -> None:
            kept.extend(str(repo.objects.put(b"here %d" % number)) for number in range(300))

        thread = threading.Thread(target=write)
        thread.start()
        while thread.is_alive():
            # Reading them drops every lock that this process has on them.
            for name in ("aivcs.db", "aivcs.db-shm"):
                (place / ".aivcs" / name).read_bytes()
        thread.join()
        for writer, out in zip(writers, outs, strict=True):
            kept += [out.readline().strip() for _ in range(199)]
            writer.communicate()
            assert writer.returncode == 0
    assert len(kept) == 700
    with open_repo(place) as repo:
        assert all(repo.objects.contains(one) for one in kept)
        assert repo.verify().ok


def test_a_turn_without_a_log_is_free(tmp_path: Path) -> None:
    log = tmp_path / "log"
    one, two = Turn(str(log)), Turn(str(log))
    assert one.take()
    one.give()
    log.touch()
    assert one.take()
    assert not two.take()
    one.give()
    assert two.take()
    one.close()
    two.close()
    two.close()
