from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.files.config import read_config
from aivcs.adapters.postgres import PostgresLedger, Server, pool, schema
from aivcs.errors import (
    AirGapped,
    ConflictError,
    InvalidConfig,
    InvalidInputError,
    StorageError,
    Unreachable,
)
from aivcs.repo import init, open_repo
from aivcs.repo.ledgers import open_ledger
from aivcs.services import check_content
from aivcs.testing.ledger import finish, new_run, new_spec
from tests.postgres.server import PASSWORD

if TYPE_CHECKING:
    from pathlib import Path

    from aivcs.domain.report import Report
    from tests.postgres.server import PostgresServer


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    """Return the URL of a database that has nothing yet."""
    return postgres.url(postgres.new_database(empty=True))


def test_a_repository_is_made_and_found_again(url: str, tmp_path: Path) -> None:
    with init(tmp_path, ledger=url) as repo:
        assert repo.created
        digest = repo.objects.put(b"text", pin=True)
    written = (tmp_path / ".aivcs" / "config.toml").read_text(encoding="utf-8")
    assert f'url = "{url}"' in written
    assert PASSWORD not in written
    assert not (tmp_path / ".aivcs" / "aivcs.db").exists()
    for again in (init(tmp_path, ledger=url), init(tmp_path), open_repo(tmp_path)):
        with again as repo:
            assert not repo.created
            assert repo.objects.get(digest) == b"text"


def test_another_place_is_refused(url: str, tmp_path: Path) -> None:
    init(tmp_path / "one", ledger=url).close()
    with pytest.raises(ConflictError, match="keeps its objects in files:"):
        init(tmp_path / "two", ledger=url)
    assert not (tmp_path / "two").exists()
    with pytest.raises(InvalidConfig, match="keeps its ledger elsewhere"):
        init(tmp_path / "one", ledger=f"{url}_other")
    init(tmp_path / "three").close()
    with pytest.raises(InvalidConfig, match="keeps its ledger elsewhere"):
        init(tmp_path / "three", ledger=url)


@pytest.mark.parametrize(
    ("ledger", "why"),
    [
        ("postgresql://ann:hush@h/db", "holds a password"),
        ("mysql://ann:hush@h/db", "no adapter serves 'h/db'"),
        ("sqlite:other.db", "no adapter serves"),
    ],
)
def test_wrong_places(ledger: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match=why):
        init(tmp_path / "new", ledger=ledger)
    assert not (tmp_path / "new").exists()


def test_the_file_may_be_named(tmp_path: Path) -> None:
    with init(tmp_path, ledger="sqlite:aivcs.db") as repo:
        assert (tmp_path / ".aivcs" / "aivcs.db").exists()
        assert repo.created


def test_no_network(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIVCS_AIR_GAPPED", "1")
    with pytest.raises(AirGapped):
        init(tmp_path, ledger=url)


def test_without_the_client(url: str, tmp_path: Path) -> None:
    script = (
        "import sys; sys.modules['psycopg'] = None; import aivcs.repo;"
        f" aivcs.repo.init({str(tmp_path)!r}, ledger={url!r})"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert "a ledger on a PostgreSQL server needs the package psycopg" in done.stderr


def test_the_client_is_not_loaded_for_a_file(tmp_path: Path) -> None:
    script = (
        f"import sys, aivcs; aivcs.init({str(tmp_path)!r}).close();"
        " sys.exit('psycopg' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('url = "postgresql://ann:hush@h/db"', "holds a password"),
        ('url = "mysql://ann:hush@h/db"', "no adapter serves 'h/db'"),
        ("timeout = 5", "timeout has no meaning"),
        ('url = "postgresql://h/db"\ntimeout = 0', "timeout is 0"),
        ("url = 5", "url is 5"),
    ],
)
def test_wrong_configurations(text: str, why: str, tmp_path: Path) -> None:
    init(tmp_path).close()
    (tmp_path / ".aivcs" / "config.toml").write_text(f"[ledger]\n{text}\n", encoding="utf-8")
    with pytest.raises(InvalidConfig, match=why) as caught:
        open_repo(tmp_path)
    assert "hush" not in caught.value.message


def test_the_timeout_of_the_configuration(url: str, tmp_path: Path) -> None:
    init(tmp_path, ledger=url).close()
    path = tmp_path / ".aivcs" / "config.toml"
    text = path.read_text(encoding="utf-8").replace("[objects]", "timeout = 2.5\n[objects]")
    path.write_text(text, encoding="utf-8")
    ledger = open_ledger(read_config(path.parent), path.parent, durable=True)
    assert isinstance(ledger, PostgresLedger)
    assert ledger._db.server.timeout == 2.5
    ledger.close()


def test_a_wrong_password(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "hush")
    with pytest.raises(Unreachable, match="lets nobody in") as caught:
        PostgresLedger(Server(url))
    assert "hush" not in str(caught.value)


def test_a_database_that_is_not_there(url: str) -> None:
    with pytest.raises(Unreachable, match="no database of"):
        PostgresLedger(Server(f"{url}_absent"))


def test_an_old_server(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "OLDEST_SERVER", 990_000)
    with pytest.raises(StorageError, match="is PostgreSQL") as caught:
        init(tmp_path, ledger=url)
    assert caught.value.hint == "aivcs needs 99 or newer"


def test_more_threads_than_connections(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "MOST", 2)
    ledger = PostgresLedger(Server(server.url, 0.2))
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(ledger._db._pool.session())
        with pytest.raises(StorageError, match="all 2 connections"):
            ledger.run("run")
    assert ledger.run("run") is None
    ledger.close()


def test_a_session_that_was_out_when_the_ledger_closed(ledger: PostgresLedger) -> None:
    with ledger._db._pool.session() as session:
        ledger.close()
        assert not session.closed
    assert session.closed


def test_texts_that_no_database_can_hold(ledger: PostgresLedger) -> None:
    from aivcs.domain.batch import Batch

    for text in ("\udc00", "a\0b"):
        assert ledger.run(text) is None
        assert ledger.run_ids(text, 5) == []
        with pytest.raises(InvalidInputError, match="cannot hold a value"):
            ledger.commit(Batch(specs=(new_spec(name=text),)))
    batch = Batch(specs=(new_spec(),), runs=(new_run(),))
    end = Batch(ends=(finish(),))
    wrong = Batch(specs=(new_spec(name="a\0b"),))
    first, second, third = ledger.commit_all([batch, wrong, end])
    assert isinstance(second, InvalidInputError)
    assert not isinstance(first, Exception)
    assert not isinstance(third, Exception)
    assert len(ledger.seals()) == 1


def test_a_part_is_inside_of_a_transaction(ledger: PostgresLedger) -> None:
    with pytest.raises(RuntimeError), ledger._db.part():
        pass


def test_copies_of_the_process_have_connections_of_their_own(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def verified() -> Report:
        with open_repo(tmp_path) as repo:
            return repo.verify()

    with init(tmp_path, ledger=url) as repo:
        repo.objects.put_many([b"number %d" % number for number in range(1200)], pin=True)
    alone = verified()
    assert alone.checked["objects"] == 1200
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    monkeypatch.setattr(check_content, "_WORTH_SPREADING", 0)
    real = PostgresLedger.hot_rows

    def noted(self: PostgresLedger, after: int, until: int) -> list[tuple[bytes, int, int, bytes]]:
        with (tmp_path / "noted").open("a") as file:
            file.write(f"{os.getpid()}\n")
        return real(self, after, until)

    monkeypatch.setattr(PostgresLedger, "hot_rows", noted)
    assert verified() == alone
    opened = (tmp_path / "noted").read_text().split()
    assert len(set(opened)) > 1
    assert len(opened) == 3
