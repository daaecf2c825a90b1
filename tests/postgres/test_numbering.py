"""The log of all releases in the database: its guards, and how an older one gets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from aivcs.adapters.postgres import PostgresLedger
from aivcs.domain.batch import Batch
from aivcs.testing.ledger_order import order, released

if TYPE_CHECKING:
    from aivcs.adapters.postgres import Server
    from tests.postgres.server import PostgresServer

LINE = "INSERT INTO release_log VALUES ({0}, {1}, {2}, {3})"


@pytest.fixture
def filled(ledger: PostgresLedger) -> PostgresLedger:
    for name in ("b", "a", "b"):
        ledger.commit(Batch(appends=(released(name),)))
    return ledger


def execute(postgres: PostgresServer, database: str, *statements: str) -> None:
    with postgres.connect(database) as db:
        db.execute("SET search_path = aivcs")
        for statement in statements:
            db.execute(statement.encode())


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM release_log",
        "TRUNCATE release_log",
        "UPDATE release_log SET seq = seq",
        LINE.format(1, "NULL", "NULL", "'x'"),
        LINE.format(5, "NULL", "NULL", "'x'"),
        LINE.format(4, "(SELECT id FROM streams WHERE name = 'a')", 1, "NULL"),
        LINE.format(4, "(SELECT id FROM streams WHERE name = 'a')", 2, "NULL"),
        LINE.format(4, 99, 1, "NULL"),
    ],
)
def test_no_line_out_of_turn(
    postgres: PostgresServer, database: str, filled: PostgresLedger, statement: str
) -> None:
    with pytest.raises(psycopg.Error, match="aivcs: "):
        execute(postgres, database, statement)
    execute(postgres, database, LINE.format(4, "NULL", "NULL", "'x'"))
    assert filled.check() == []


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("DELETE FROM release_log WHERE id = 1", "ends with number 3, but has 2 lines"),
        ("DELETE FROM release_log WHERE id = 3", "release b@2 has no number"),
        ("UPDATE release_log SET seq = 9 WHERE id = 3", "number 3 of the log of releases is of no"),
        (
            "UPDATE release_log SET id = 10 - id WHERE id <> 2",
            "release b@2 has number 7 in the log of releases, before that of seq 1",
        ),
    ],
)
def test_lines_that_contradict_the_logs(
    postgres: PostgresServer, database: str, filled: PostgresLedger, statement: str, problem: str
) -> None:
    execute(postgres, database, "SET session_replication_role = replica", statement)
    assert any(problem in text for text in filled.check()), filled.check()


def test_a_database_of_the_first_schema_gets_its_numbers(
    postgres: PostgresServer, database: str, server: Server, filled: PostgresLedger
) -> None:
    assert order(filled) == [(1, "b", 1), (2, "a", 1), (3, "b", 2)]
    execute(
        postgres,
        database,
        "DROP TABLE release_log",
        "DROP FUNCTION release_log_insert",
        "DROP TABLE surroundings",
        "UPDATE repository SET schema = 1",
    )
    again = PostgresLedger(server)
    assert order(again) == [(1, "a", 1), (2, "b", 1), (3, "b", 2)]
    assert again.check() == []
    again.close()
