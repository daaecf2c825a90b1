"""The role of the page on PostgreSQL: it does everything but rewrite history."""

from __future__ import annotations

import re
from socket import gethostname
from typing import TYPE_CHECKING

import psycopg
import pytest

from aivcs.adapters.postgres import PostgresLedger, Server
from aivcs.adapters.postgres.tables import LOGS
from aivcs.domain.batch import Batch
from aivcs.domain.log_writes import Erasure
from aivcs.domain.run import RunMetadata, RunStatus
from aivcs.errors import StorageError
from aivcs.repo import init
from aivcs.testing.ledger import append, draft, finish, new_run, new_spec
from aivcs.testing.objects import noise
from aivcs.testing.subject import add_spec, by, end, note
from tests.docs.markdown import DOCS
from tests.postgres.server import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.postgres.server import PostgresServer

_SQL = re.compile(r"```text\n(CREATE ROLE .*?)```", re.DOTALL)


@pytest.fixture
def writer(postgres: PostgresServer, database: str) -> Iterator[str]:
    """Return the URL of the database for the role that the page makes."""
    (sql,) = _SQL.findall((DOCS / "postgresql.md").read_text(encoding="utf-8"))
    with postgres.connect(database) as db:
        db.execute(sql.replace("...", PASSWORD))
        yield postgres.url(database, "writer")
        db.execute("DROP OWNED BY writer")
        db.execute("DROP ROLE writer")


def test_it_does_everything_else(writer: str, tmp_path: Path, postgres: PostgresServer) -> None:
    with postgres.connect(writer.rpartition("/")[2]) as db:
        place = f"files:{gethostname()}:{tmp_path / '.aivcs' / 'objects'}"
        db.execute("UPDATE aivcs.repository SET objects = %s", (place,))
    with init(tmp_path, ledger=writer) as repo:
        spec = add_spec(repo)
        with repo.run(spec=spec, agent="agent") as run:
            run.event("note")
            run.artifact("large", noise(100_000))
            run.checkpoint({"n": 1})
        early = repo.runs.create_run(spec, RunMetadata("agent"))
        for seq in (1, 3, 2):
            repo.runs.append_event(early, note(seq))
        end(repo, early, RunStatus.COMPLETED)
        repo.releases.promote("agent", spec, by())
        doomed = repo.objects.put(b"doomed", pin=True)
        repo.seal()
        repo.objects.delete(doomed)
        repo.gc(full=True)
        assert repo.verify().ok
        assert repo.runs.get_run(early).total_events == 3


@pytest.mark.parametrize("table", LOGS)
def test_it_cannot_rewrite(writer: str, table: str) -> None:
    with psycopg.connect(writer, password=PASSWORD, autocommit=True) as db:
        for sql in (
            f"UPDATE aivcs.{table} SET checksum = ''",  # noqa: S608 - of constants
            f"DELETE FROM aivcs.{table}",  # noqa: S608 - of constants
            f"TRUNCATE aivcs.{table}",
            f"ALTER TABLE aivcs.{table} DISABLE TRIGGER ALL",
            f"DROP TABLE aivcs.{table}",
        ):
            with pytest.raises(psycopg.Error, match=r"permission denied|must be owner|not exist"):
                db.execute(sql.encode())


def test_erasing_is_for_the_owner(writer: str, postgres: PostgresServer) -> None:
    whole = Batch(
        specs=(new_spec(),), runs=(new_run(),), appends=(append(draft()),), ends=(finish(),)
    )
    ledger = PostgresLedger(Server(writer))
    ledger.commit(whole)
    with pytest.raises(StorageError, match="permission denied") as caught:
        ledger.commit(Batch(erasures=(Erasure("run"),)))
    assert "owns the tables" in str(caught.value.hint)
    assert ledger.check() == []
    ledger.close()
    owner = PostgresLedger(Server(postgres.url(writer.rpartition("/")[2])))
    owner.commit(Batch(erasures=(Erasure("run"),)))
    owner.close()
