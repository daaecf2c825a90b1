from __future__ import annotations

import re
from typing import TYPE_CHECKING

import apsw
import pytest

from aivcs.adapters.files import config
from aivcs.adapters.postgres import PostgresLedger, Server, claimed, locks, schema
from aivcs.adapters.sqlite import schema as file_schema
from aivcs.errors import ConflictError, CorruptionError, RepositoryTooNew, StorageError
from tests.docs.markdown import DOCS, table

if TYPE_CHECKING:
    from tests.postgres.server import PostgresServer

PAGE = (DOCS / "format.md").read_text(encoding="utf-8")
TYPES = {"INTEGER": "bigint", "TEXT": "text", "BLOB": "bytea"}
COLUMNS = """
SELECT table_name::text, column_name::text, data_type::text FROM information_schema.columns
WHERE table_schema = 'aivcs' ORDER BY table_name, ordinal_position
"""


def columns(postgres: PostgresServer, database: str) -> dict[str, list[tuple[object, ...]]]:
    found: dict[str, list[tuple[object, ...]]] = {}
    with postgres.connect(database) as db:
        for name, *column in db.execute(COLUMNS):
            found.setdefault(str(name), []).append(tuple(column))
    return found


def test_the_tables_are_those_of_the_file(postgres: PostgresServer, database: str) -> None:
    found = columns(postgres, database)
    repository = [row[:2] for row in table(PAGE, "### The row of the repository")]
    assert [(name.strip("`"), kind) for name, kind in repository] == found.pop("repository")
    writers = [row[:2] for row in table(PAGE, "### The rows of writers")]
    assert [(name.strip("`"), kind) for name, kind in writers] == found.pop("writers")
    file = apsw.Connection(":memory:")
    for step in file_schema.MIGRATIONS:
        file.execute(step)
    expected: dict[str, list[tuple[object, ...]]] = {}
    for name, column, kind in file.execute(
        "SELECT t.name, c.name, c.type FROM pragma_table_list t, pragma_table_xinfo(t.name) c"
        " WHERE t.schema = 'main' AND t.name NOT LIKE 'sqlite_%' ORDER BY t.name, c.cid"
    ):
        expected.setdefault(str(name), []).append((column, TYPES[str(kind)]))
    file.close()
    assert found == expected


def test_the_page_on_the_format_names_limits_and_locks() -> None:
    assert f"| {PostgresLedger.hot_limit:,} bytes |" in PAGE
    assert f"`schema` | bigint | {len(schema.MIGRATIONS)}," in PAGE
    assert f"PostgreSQL {schema.OLDEST_SERVER // 10000} or newer" in PAGE
    assert f"is {locks.CLASS} (`aivc`" in PAGE
    assert f"is {locks.TURNS} (`aivt`)" in PAGE
    assert f"modulo {locks.MOST_TURNS}" in PAGE
    rows = table(PAGE, "### Locks in the database")
    numbers = [int(row[0]) for row in rows[:-1]]
    known = [locks.WRITE, locks.UPKEEP, locks.MIGRATION, locks.SPECS, locks.SEALS, locks.RELEASES]
    assert numbers == known
    assert set(config.DATABASES) > {re.findall(r"`(postgresql://)", PAGE)[0]}


def test_one_repository_a_database(postgres: PostgresServer) -> None:
    server = Server(postgres.url(postgres.new_database(empty=True)))
    with claimed(server, "s3://bucket/a") as new:
        assert new
    with claimed(server, "s3://bucket/a") as new:
        assert not new
    with pytest.raises(ConflictError, match="keeps its objects in s3://bucket/a"):
        claimed(server, "s3://bucket/b").__enter__()


def test_what_fails_leaves_nothing_behind(postgres: PostgresServer) -> None:
    name = postgres.new_database(empty=True)
    server = Server(postgres.url(name))

    def fail() -> None:
        with claimed(server, "files:x"):
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert columns(postgres, name) == {}
    with claimed(server, "files:y") as new:
        assert new


def test_an_empty_database_is_no_ledger(postgres: PostgresServer) -> None:
    server = Server(postgres.url(postgres.new_database(empty=True)))
    with pytest.raises(CorruptionError, match="no repository"):
        PostgresLedger(server)


def test_a_newer_schema_is_refused(postgres: PostgresServer, database: str) -> None:
    with postgres.connect(database) as db:
        db.execute("UPDATE aivcs.repository SET schema = 99")
    server = Server(postgres.url(database))
    with pytest.raises(RepositoryTooNew, match="schema 99"):
        PostgresLedger(server)
    with postgres.connect(database) as db:
        db.execute("DELETE FROM aivcs.repository")
    with pytest.raises(CorruptionError, match="has no number"):
        PostgresLedger(server)


def test_another_encoding_is_refused(postgres: PostgresServer) -> None:
    name = "in_latin"
    with postgres.connect() as db:
        db.execute(f"CREATE DATABASE {name} ENCODING LATIN1 LOCALE 'C' TEMPLATE template0")
    with pytest.raises(StorageError, match="encoding LATIN1"):
        claimed(Server(postgres.url(name)), "files:x").__enter__()


def test_an_older_schema_is_brought_up_to_date(
    postgres: PostgresServer, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = (*schema.MIGRATIONS, "CREATE TABLE another (number bigint)")
    monkeypatch.setattr(schema, "MIGRATIONS", newer)
    server = Server(postgres.url(database))
    for _ in range(2):
        PostgresLedger(server).close()
    assert columns(postgres, database)["another"] == [("number", "bigint")]
    with postgres.connect(database) as db:
        assert db.execute("SELECT schema FROM aivcs.repository").fetchall() == [(len(newer),)]
