"""What the ledger's own check finds, and what reading a damaged ledger says."""
# ruff: noqa: S608 - the statements are made of constants of this file

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import apsw
import pytest

from aivcs.adapters.sqlite import SqliteLedger
from aivcs.domain.stream import Family
from aivcs.errors import CorruptionError
from aivcs.repo import open_repo
from tests.reseal import edit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aivcs.repo import Repo

_TRIGGERS = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"
_BAD_TEXT = "CAST(x'61ff' AS TEXT)"


def change(path: Path, statement: str) -> None:
    """Change the tables themselves."""
    database = apsw.Connection(str(path))
    database.execute(statement)
    database.close()


def check(path: Path) -> list[str]:
    ledger = SqliteLedger(path)
    try:
        return ledger.check()
    finally:
        ledger.close()


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("DROP TRIGGER entries_insert", "the trigger entries_insert is missing"),
        ("DROP INDEX runs_by_agent", "the index runs_by_agent is missing"),
        ("DROP INDEX entries_by_seq", "the index entries_by_seq is missing"),
        ("DROP TABLE early", "the table early is missing"),
        ("ALTER TABLE specs DROP COLUMN dirty", "the table specs was changed"),
        (
            "CREATE TRIGGER mine AFTER INSERT ON entries BEGIN SELECT 1; END",
            "the trigger mine is not of this format",
        ),
    ],
)
def test_the_tables_are_compared(filled: Any, statement: str, problem: str) -> None:
    assert check(filled.path) == []
    change(filled.path, statement)
    assert problem in check(filled.path)
    with open_repo(filled.place) as repo:
        assert problem in [found.detail for found in repo.verify().problems]


def test_a_changed_guard_is_named(filled: Any) -> None:
    change(filled.path, "DROP TRIGGER large_insert")
    change(filled.path, "CREATE TRIGGER large_insert BEFORE INSERT ON large BEGIN SELECT 1; END")
    assert check(filled.path) == ["the trigger large_insert was changed"]


_USES: dict[str, Callable[[Repo], object]] = {
    "streams": lambda repo: repo.runs.list_runs(),
    "runs": lambda repo: repo.runs.list_runs(),
    "entries": lambda repo: repo.releases.current("agent"),
    "specs": lambda repo: repo.specs.list(),
    "hot": lambda repo: repo.objects.put(b"x"),
    "refs": lambda repo: repo.objects.put(b"x", pin=True),
}


@pytest.mark.parametrize("table", _USES)
def test_a_missing_table_is_damage(filled: Any, table: str) -> None:
    database = apsw.Connection(str(filled.path))
    for name, _ in database.execute(_TRIGGERS).fetchall():
        database.execute(f"DROP TRIGGER {name}")
    database.execute(f"DROP TABLE {table}")
    database.close()
    with open_repo(filled.place) as repo:
        details = [found.detail for found in repo.verify().problems]
        with pytest.raises(CorruptionError, match=f"no such table: (main.)?{table}"):
            _USES[table](repo)
    assert f"the table {table} is missing" in details


@pytest.mark.parametrize("version", [0, -1])
def test_tables_without_the_number_of_a_schema(filled: Any, version: int) -> None:
    change(filled.path, f"PRAGMA user_version = {version}")
    with pytest.raises(CorruptionError, match="has tables, but its schema has no number"):
        open_repo(filled.place)


_END = "INSERT INTO ends VALUES ({stream}, 1, 0, NULL, 0, NULL, zeroblob(32), zeroblob(8))"


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("DELETE FROM runs WHERE stream = {RUNNING}", "has no row in runs"),
        (_END.format(stream="{RUNNING}"), "is RUNNING, but has an end"),
        ("DELETE FROM ends WHERE stream = {FAILED}", "is FAILED, but has no end"),
        ("DELETE FROM seals WHERE id = 3", "has no seal"),
        ("UPDATE seals SET stream = {RUNNING} WHERE id = 1", "is RUNNING, but is sealed"),
        ("UPDATE seals SET id = 9 WHERE id = 3", "end with number 9, but there are 3"),
        ("INSERT INTO keys VALUES (5, 'k', 2, 2)", "release agent has the key k for entry 3 of 2"),
        (
            "UPDATE entries SET body = NULL, salt = NULL, commitment = zeroblob(32)",
            "is erased, but it has not ended",
        ),
        ("UPDATE ends SET success = 1 WHERE stream = {FAILED}", "but its success is 1"),
        ("UPDATE ends SET success = 0 WHERE stream = {COMPLETED}", "but its success is 0"),
        ("UPDATE runs SET agent = ' '", "has an agent without a name"),
        ("UPDATE specs SET name = ''", "has an empty name"),
        ("UPDATE runs SET created_at = -1", "has no possible time"),
        ("UPDATE ends SET completed_at = 253402300800000000", "has no possible time"),
        ("UPDATE specs SET created_at = -1", "has no possible time"),
        ("UPDATE entries SET recorded_at = -1 WHERE seq = 1", "#1 has no possible time"),
        ("UPDATE early SET timestamp = 1 << 62", "has no possible time"),
        ("UPDATE early SET seq = 2 WHERE seq = 4", "early event 2 that is in the log too"),
        ("INSERT INTO large SELECT digest, size, 1, 0 FROM hot", "is in hot and in large"),
        ("UPDATE entries SET kind = '' WHERE id = 1", "CHECK constraint failed in entries"),
        ("UPDATE streams SET state = NULL WHERE id = 1", "CHECK constraint failed in streams"),
        (f"UPDATE streams SET name = {_BAD_TEXT} WHERE id = 1", "name of stream 1 is not UTF-8"),
    ],
)
def test_rows_that_contradict_each_other(filled: Any, statement: str, problem: str) -> None:
    edit(filled.path, "PRAGMA ignore_check_constraints=ON", statement.format(**filled.ids))
    found = check(filled.path)
    assert any(problem in text for text in found), found
    with open_repo(filled.place) as repo:
        assert not repo.verify().ok


def test_a_row_of_runs_for_a_release_log(filled: Any) -> None:
    edit(filled.path, "UPDATE runs SET stream = 5 WHERE stream = 1")
    assert "runs has a row for release agent" in check(filled.path)


def test_a_time_before_1970_is_the_callers(filled: Any) -> None:
    edit(
        filled.path,
        "UPDATE entries SET timestamp = -62135596800000000",
        "UPDATE runs SET created_at = -1, source = spec, source_index = stream",
    )
    assert check(filled.path) == []


@pytest.mark.parametrize(
    "change_to",
    [
        "tags = '{bad'",
        "tags = 'NaN'",
        "environment = '3'",
        "created_at = 1 << 62",
        f"tags = {_BAD_TEXT}",
        f"agent = {_BAD_TEXT}",
    ],
)
def test_one_run_that_cannot_be_read(filled: Any, change_to: str) -> None:
    stream = filled.ids["FAILED"]
    edit(filled.path, f"UPDATE runs SET {change_to} WHERE stream = {stream}")
    with open_repo(filled.place) as repo:
        names = repo._ledger.run_ids("", 10)
        damaged = names[stream - 1]
        report = repo.verify()
        assert {found.id for found in report.problems if found.kind == "run"} == {damaged}
        assert report.checked["runs"] == len(names)
        with pytest.raises(CorruptionError, match=f"run {damaged} cannot be read"):
            repo.runs.list_runs()
        for name in names:
            if name != damaged:
                assert repo.runs.get_run(name).run_id == name


def test_texts_that_are_not_utf8(filled: Any) -> None:
    stream = filled.ids["COMPLETED"]
    edit(filled.path, f"UPDATE entries SET body = {_BAD_TEXT} WHERE stream = {stream} AND seq = 2")
    edit(filled.path, f"UPDATE early SET body = {_BAD_TEXT}")
    with open_repo(filled.place) as repo:
        names = [run.run_id for run in reversed(repo.runs.list_runs())]
        damaged = names[stream - 1]
        found = {problem.id: problem.detail for problem in repo.verify().problems}
        assert "not UTF-8" in found[damaged]
        assert "not UTF-8" in found[names[filled.ids["RUNNING"] - 1]]
        with pytest.raises(CorruptionError, match=f"run {damaged}: .* not UTF-8"):
            repo.runs.get_events(damaged)
    edit(filled.path, f"UPDATE specs SET name = {_BAD_TEXT}")
    with open_repo(filled.place) as repo:
        with pytest.raises(CorruptionError, match="not UTF-8"):
            repo.specs.list()
        assert not repo.verify().ok
    edit(filled.path, f"UPDATE streams SET name = {_BAD_TEXT} WHERE id = 5")
    ledger = SqliteLedger(filled.path)
    with pytest.raises(CorruptionError, match="not UTF-8"):
        ledger.streams(Family.RELEASE)
    ledger.close()


def test_a_digest_of_another_length(filled: Any) -> None:
    edit(
        filled.path,
        "PRAGMA ignore_check_constraints=ON",
        "UPDATE hot SET digest = CAST(id AS BLOB)",
    )
    with open_repo(filled.place) as repo:
        assert not repo.verify().ok
        with pytest.raises(CorruptionError, match="32 bytes"):
            repo.objects.list()
