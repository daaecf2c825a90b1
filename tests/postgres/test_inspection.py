from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.postgres import PostgresLedger, inspection
from aivcs.domain.batch import Batch
from aivcs.errors import CorruptionError
from aivcs.testing.ledger import append, draft, finish, new_run, new_spec, stored

if TYPE_CHECKING:
    from aivcs.adapters.postgres import Server
    from tests.postgres.server import PostgresServer

WHOLE = Batch(
    objects=(stored(),),
    specs=(new_spec(),),
    runs=(new_run(),),
    appends=(append(draft(), draft()),),
    ends=(finish(),),
)


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("DROP TRIGGER entries_insert ON entries", "the trigger entries_insert is missing"),
        (
            "ALTER TABLE entries DISABLE TRIGGER entries_insert",
            "the trigger entries_insert was changed",
        ),
        ("ALTER TABLE runs ADD extra bigint", "the column runs.extra is not of this format"),
        ("ALTER TABLE runs ALTER agent DROP NOT NULL", "the column runs.agent was changed"),
        ("DROP INDEX runs_by_agent", "the index runs_by_agent is missing"),
        ("ALTER TABLE seals DROP CONSTRAINT seals_id_check", "the constraint seals.seals_id_check"),
        (
            "CREATE OR REPLACE FUNCTION never() RETURNS trigger AS 'BEGIN END' LANGUAGE plpgsql",
            "the function never was changed",
        ),
    ],
)
def test_changed_tables(
    postgres: PostgresServer,
    ledger: PostgresLedger,
    database: str,
    sql: str,
    problem: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with postgres.connect(database) as db:
        db.execute("SET search_path = aivcs")
        db.execute(sql.encode())
    assert any(one.startswith(problem) for one in ledger.check())
    # Who may make no schema to compare with sees the triggers only.
    monkeypatch.setattr(inspection, "_MAY_CREATE", "SELECT false")
    expected = [problem] if problem.startswith("the trigger") else []
    assert ledger.check() == expected


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("DELETE FROM entries WHERE seq = 2", "run run counts 2 entries but has 1"),
        ("UPDATE entries SET stream = 9", "a row of entries names stream 9, which is missing"),
        ("DELETE FROM seals", "run run is COMPLETED, but has no seal"),
        ("UPDATE seals SET id = 5", "the seals end with number 5, but there are 1"),
        ("UPDATE runs SET agent = ' '", "run run has an agent without a name"),
        ("UPDATE ends SET success = 0", "run run is COMPLETED, but its success is 0"),
        ("UPDATE runs SET created_at = -5", "run run has no possible time"),
        (
            "INSERT INTO large SELECT digest, 1, 1, 0 FROM hot",
            f"object {stored().digest} is in hot and in large",
        ),
    ],
)
def test_rows_that_contradict_each_other(
    postgres: PostgresServer, server: Server, database: str, sql: str, problem: str
) -> None:
    ledger = PostgresLedger(server)
    ledger.commit(WHOLE)
    assert ledger.check() == []
    with postgres.connect(database) as db:
        db.execute("SET search_path = aivcs")
        db.execute("SET session_replication_role = replica")
        db.execute(sql.encode())
    assert any(one.startswith(problem) for one in ledger.check()), ledger.check()
    ledger.close()


def test_a_row_that_was_edited(
    postgres: PostgresServer, ledger: PostgresLedger, database: str
) -> None:
    ledger.commit(WHOLE)
    with postgres.connect(database) as db:
        db.execute("SET search_path = aivcs")
        db.execute("SET session_replication_role = replica")
        db.execute("UPDATE runs SET agent = 'forged'")
    with pytest.raises(CorruptionError, match="run run cannot be read"):
        ledger.run("run")
    with postgres.connect(database) as db:
        db.execute("DROP SCHEMA aivcs CASCADE")
    with pytest.raises(CorruptionError, match="has not the tables"):
        ledger.run("run")
