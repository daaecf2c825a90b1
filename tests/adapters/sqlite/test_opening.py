from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any

import apsw
import pytest

from aivcs.adapters.sqlite import SqliteLedger, settings
from aivcs.adapters.sqlite.connection import Connection
from aivcs.adapters.sqlite.engine import check_engine
from aivcs.adapters.sqlite.failures import translated
from aivcs.adapters.sqlite.medium import check_medium
from aivcs.domain.batch import Batch
from aivcs.errors import (
    CorruptionError,
    InvalidInputError,
    RepositoryTooNew,
    StorageError,
)
from aivcs.repo import init, open_repo
from aivcs.testing.ledger import new_run, new_spec, stored
from aivcs.testing.subject import add_spec, note

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aivcs.errors import AivcsError


def python(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_newer_schema_is_refused(filled: Any, foreign: Callable[..., list[str]]) -> None:
    assert foreign(filled.path, "PRAGMA user_version = 99", keep=True) == [""]
    with pytest.raises(RepositoryTooNew, match=r"schema 99, this aivcs knows up to \d"):
        open_repo(filled.place)


@pytest.mark.parametrize("content", [b"", bytes(8192), b"not a database " * 500])
def test_what_is_no_ledger_is_refused(tmp_path: Path, content: bytes) -> None:
    init(tmp_path).close()
    path = tmp_path / ".aivcs" / "aivcs.db"
    path.write_bytes(content)
    with pytest.raises(CorruptionError, match=r"aivcs\.db"):
        open_repo(tmp_path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("left", [50, 100, 4096, 5000, 20_000])
def test_a_truncated_ledger_is_refused(filled: Any, left: int) -> None:
    data = filled.path.read_bytes()
    assert left < len(data)
    filled.path.write_bytes(data[:left])
    with pytest.raises(CorruptionError, match=r"aivcs\.db"), open_repo(filled.place) as repo:  # noqa: PT012
        repo.specs.list()
        repo.verify()
        repo.runs.list_runs()


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "aivcs.db"
    database = apsw.Connection(str(path))
    database.execute("CREATE TABLE t (x)")
    database.close()
    for create in (False, True):
        with pytest.raises(CorruptionError, match="not a ledger of aivcs"):
            SqliteLedger(path, create=create)


def test_no_file_and_no_folder(tmp_path: Path) -> None:
    with pytest.raises(CorruptionError, match=r"a\.db is missing"):
        SqliteLedger(tmp_path / "a.db")
    with pytest.raises(StorageError, match=r"a\.db"):
        SqliteLedger(tmp_path / "none" / "a.db", create=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("version", ["3.51.3", "3.51.10", "3.52.0", "4.0.0", "3.44.6", "3.50.7"])
def test_safe_engines(version: str) -> None:
    check_engine(version)


@pytest.mark.parametrize("version", ["3.7.0", "3.40.1", "3.44.5", "3.45.9", "3.50.6", "3.51.2"])
def test_engines_that_lose_data_are_refused(version: str) -> None:
    with pytest.raises(StorageError, match=version):
        check_engine(version)


def test_network_media_are_refused(tmp_path: Path) -> None:
    network = tmp_path / "my share" / "deep"
    network.mkdir(parents=True)
    point = str(tmp_path / "my share").replace(" ", "\\040")
    mounts = tmp_path / "mounts"
    for kind in ("nfs4", "cifs", "fuse.sshfs"):
        mounts.write_text(f"/dev/sda / ext4 rw 0 0\nserver:/x {point} {kind} rw 0 0\n")
        with pytest.raises(StorageError, match=kind):
            check_medium(network, str(mounts))
        check_medium(tmp_path, str(mounts))
    mounts.write_text(f"server:/ / nfs rw 0 0\n/dev/sdb {point} ext4 rw 0 0\n")
    check_medium(network, str(mounts))
    check_medium(network, str(tmp_path / "no such file"))


def test_other_systems_are_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text("server:/ / nfs rw 0 0\n")
    monkeypatch.setattr(sys, "platform", "darwin")
    check_medium(tmp_path, str(mounts))


def test_a_ledger_that_stays_locked(filled: Any) -> None:
    locker = """
        import apsw, sys
        database = apsw.Connection(sys.argv[1])
        database.execute("BEGIN IMMEDIATE")
        print("locked", flush=True)
        sys.stdin.read()
    """
    command = [sys.executable, "-c", textwrap.dedent(locker), str(filled.path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "locked\n"
        ledger = SqliteLedger(filled.path, wait_seconds=0.05)
        before = ledger.digests()
        start = time.monotonic()
        with pytest.raises(StorageError, match=r"locked for 0\.05 seconds") as raised:
            ledger.commit(Batch(objects=(stored(),)))
        assert isinstance(raised.value.__cause__, apsw.BusyError)
        assert time.monotonic() - start < 5
        assert ledger.digests() == before
        child.communicate()
    ledger.commit(Batch(objects=(stored(),)))
    assert len(ledger.digests()) == len(before) + 1
    ledger.close()


def test_a_forked_child_is_refused(filled: Any) -> None:
    code = """
        import os, sys
        import aivcs
        from aivcs.errors import RepositoryClosed
        repo = aivcs.open(sys.argv[1])
        before = len(repo.runs.list_runs())
        child = os.fork()
        if not child:
            for call in (repo.runs.list_runs, lambda: repo.objects.put(b"x")):
                try:
                    call()
                except RepositoryClosed as error:
                    assert "forked" in str(error)
                else:
                    os._exit(1)
            repo.close()
            with aivcs.open(sys.argv[1]) as own:
                own.objects.put(b"of the child")
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert len(repo.runs.list_runs()) == before
        assert repo.objects.contains(aivcs.Digest.of(b"of the child"))
        assert repo.verify().ok
        repo.close()
    """
    done = python(code, filled.place)
    assert (done.returncode, done.stderr) == (0, "")


def test_two_migrations_at_once(tmp_path: Path) -> None:
    path = tmp_path / "aivcs.db"
    with ThreadPoolExecutor(4) as pool:
        ledgers = list(pool.map(lambda _: SqliteLedger(path, create=True), range(4)))
    code = """
        import sys
        from pathlib import Path
        from aivcs.adapters.sqlite import SqliteLedger
        SqliteLedger(Path(sys.argv[1]), create=True).close()
    """
    fresh = tmp_path / "fresh.db"
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: python(code, fresh), range(4)))
    assert [(one.returncode, one.stderr) for one in done] == [(0, "")] * 4
    ledgers.append(SqliteLedger(fresh))
    for ledger in ledgers:
        ledger.commit(Batch(specs=(new_spec(),)))
        assert ledger.check() == []
        ledger.close()


def test_an_older_schema_is_brought_up(tmp_path: Path) -> None:
    path = tmp_path / "aivcs.db"
    database = apsw.Connection(str(path))
    database.execute(f"PRAGMA application_id={0x61697663}")
    database.close()
    ledger = SqliteLedger(path)
    ledger.commit(Batch(specs=(new_spec(),), runs=(new_run(),)))
    ledger.close()


@pytest.fixture
def read_only(filled: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    with open_repo(filled.place) as repo:
        repo.objects.put_many([bytes(200_000), b"of nobody"])
        repo.seal()
        repo.objects.put(b"still hot", pin=True)
    if os.geteuid() != 0:
        for folder, _, files in os.walk(filled.place, topdown=False):
            for name in files:
                os.chmod(os.path.join(folder, name), 0o444)  # noqa: PTH101, PTH118
            os.chmod(folder, 0o555)  # noqa: PTH101, S103
        yield filled.place
        for folder, _, _ in os.walk(filled.place):
            os.chmod(folder, 0o755)  # noqa: PTH101, S103
        return
    point = tmp_path_factory.mktemp("read-only")
    mount = ["mount", "--bind", "-o", "ro", str(filled.place), str(point)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("this process may not mount")
    yield point
    subprocess.run(["umount", str(point)], check=True)  # noqa: S607 - found by PATH


def test_a_read_only_medium(read_only: Path) -> None:
    with open_repo(read_only) as repo:
        runs = repo.runs.list_runs()
        assert len(runs) == 4
        assert repo.releases.current("agent") is not None
        report = repo.verify()
        assert report.ok
        assert {problem.kind for problem in report.problems} == {"gap"}
        assert repo.repair(dry_run=True).ok
        assert repo.gc(dry_run=True).objects == 2
        for write in (
            repo.seal,
            repo.gc,
            lambda: repo.objects.put(b"new"),
            lambda: repo.objects.put(bytes(300_000)),
            lambda: repo.runs.append_event(runs[-1].run_id, note()),
            lambda: repo.releases.rollback("agent"),
            lambda: add_spec(repo, "new"),
        ):
            with pytest.raises(StorageError):
                write()
        assert repo.runs.list_runs() == runs


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (apsw.CorruptError("x"), CorruptionError),
        (apsw.NotADBError("x"), CorruptionError),
        (apsw.FullError("x"), StorageError),
        (apsw.ReadOnlyError("x"), StorageError),
        (apsw.CantOpenError("x"), StorageError),
        (apsw.IOError("x"), StorageError),
        (apsw.BusyError("x"), StorageError),
        (apsw.ConstraintError("x"), StorageError),
        (OverflowError("x"), InvalidInputError),
    ],
)
def test_the_drivers_errors_are_translated(raised: Exception, expected: type[AivcsError]) -> None:
    with pytest.raises(expected, match=r"here\.db") as translation, translated("here.db"):
        raise raised
    assert translation.value.__cause__ is raised


@pytest.mark.parametrize("reads", [False, True])
def test_who_reads_a_full_disk_loses_nothing(*, reads: bool) -> None:
    caught = pytest.raises(StorageError, match="no space left")
    with caught as error, translated("here.db", reads=reads):
        raise apsw.FullError
    assert ("nothing is lost" in str(error.value.hint)) is reads


_NO_ROOM = """
import resource, sys
from aivcs.repo import open_repo

resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
with open_repo(sys.argv[1]) as repo:
    print(len(repo.runs.list_runs()), "runs")
"""


def test_a_disk_without_room_for_the_index_of_the_log_is_read(tmp_path: Path) -> None:
    init(tmp_path).close()
    command = [sys.executable, "-c", _NO_ROOM, str(tmp_path)]
    # Its output is a pipe, which has no size.
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "0 runs\n"


def test_closing_twice(tmp_path: Path) -> None:
    connection = Connection(tmp_path / "a.db", create=True)
    connection.close()
    connection.close()


def test_another_journal_mode_is_changed_back(tmp_path: Path) -> None:
    init(tmp_path).close()
    path = tmp_path / ".aivcs" / "aivcs.db"
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("PRAGMA journal_mode=DELETE").fetchone() == ("delete",)
    with open_repo(tmp_path) as repo:
        repo.objects.put(b"kept")
        assert path.with_name("aivcs.db-wal").exists()
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_mode_that_cannot_be_changed_is_refused() -> None:
    with closing(apsw.Connection(":memory:")) as db, pytest.raises(StorageError, match="memory"):
        settings.apply(db, "ledger", new=False)
