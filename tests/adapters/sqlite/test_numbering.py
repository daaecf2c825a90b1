"""The log of all releases in the file: its guards, and how an older file gets it."""
# ruff: noqa: S608 - the statements are made of constants of this file

from __future__ import annotations

import shutil
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import apsw
import pytest

from aivcs.errors import StorageError
from aivcs.repo import init, open_repo
from aivcs.testing.subject import NOON, add_spec, by
from tests.adapters.sqlite.test_inspection import change, check
from tests.docs.markdown import ROOT
from tests.reseal import edit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OLD = ROOT / "tests" / "golden" / "schema-1"
READ_ONLY = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI


def numbers(place: Path) -> list[tuple[int, str | None, int]]:
    with open_repo(place) as repo:
        lines = repo._ledger.release_log()
        return [(line.number, line.name, line.entry.seq) for line in lines if line.entry]


@pytest.mark.parametrize("or_", ["", "OR REPLACE ", "OR IGNORE "])
def test_no_line_out_of_turn(filled: Any, foreign: Callable[..., list[str]], or_: str) -> None:
    line = f"INSERT {or_}INTO release_log VALUES ({{0}}, {{1}}, {{2}}, {{3}})"
    scripts = [
        "DELETE FROM release_log",
        *(f"UPDATE {or_}release_log SET {name} = {name}" for name in ("id", "stream", "seq")),
        *(line.format(number, "NULL", "NULL", "'x'") for number in (1, 2, 4, 0, "NULL")),
        *(line.format(3, *place, "NULL") for place in ((5, 1), (5, 3), (1, 1), (99, 1))),
    ]
    answers = foreign(filled.path, *scripts)
    assert [a for a in answers if not a.startswith(("aivcs: ", "CHECK constraint"))] == []
    assert foreign(filled.path, line.format(3, "NULL", "NULL", "'x'")) == [""]


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("DELETE FROM release_log WHERE id = 1", "ends with number 2, but has 1 lines"),
        ("DELETE FROM release_log WHERE id = 2", "release agent@2 has no number"),
        ("UPDATE release_log SET seq = 9 WHERE id = 2", "number 2 of the log of releases is of no"),
        ("UPDATE release_log SET stream = 1 WHERE id = 2", "number 2 of the log of releases is of"),
        (
            "UPDATE release_log SET seq = 3 - seq + 10; UPDATE release_log SET seq = seq - 10",
            "release agent@2 has number 1 in the log of releases, before that of seq 1",
        ),
    ],
)
def test_lines_that_contradict_the_logs(filled: Any, statement: str, problem: str) -> None:
    edit(filled.path, *statement.split(";"))
    assert any(problem in text for text in check(filled.path)), check(filled.path)
    with open_repo(filled.place) as repo:
        assert not repo.verify(objects=False, runs=False).ok


def test_a_file_of_the_first_schema_gets_its_numbers(tmp_path: Path) -> None:
    shutil.copytree(OLD, tmp_path / ".aivcs")
    found = numbers(tmp_path)
    assert [number for number, _, _ in found] == list(range(1, len(found) + 1))
    assert found
    with open_repo(tmp_path) as repo:
        records = {(r.name, r.seq): r.log_index for r in repo.releases.history("demo-agent")}
        assert records == {(str(name), seq): number - 1 for number, name, seq in found}
        report = repo.verify()
        assert report.ok, report.problems


def test_older_releases_are_numbered_in_the_order_of_time(tmp_path: Path) -> None:
    """A clock that ran backwards does not change the order of a log."""
    moments = iter([NOON + timedelta(seconds=number) for number in (9, 5, 3, 1, 5, 5)])
    with init(tmp_path, clock=lambda: next(moments)) as repo:
        spec = add_spec(repo)
        for name in ("late", "late", "early", "same", "Same"):
            repo.releases.promote(name, spec, by())
    path = tmp_path / ".aivcs" / "aivcs.db"
    for step in ("DROP TABLE release_log", "DROP TABLE surroundings", "PRAGMA user_version = 1"):
        change(path, step)
    expected = [("early", 1), ("Same", 1), ("late", 1), ("late", 2), ("same", 1)]
    assert [place for _, *place in numbers(tmp_path)] == [list(place) for place in expected]
    assert check(path) == []


def test_an_older_file_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(OLD, tmp_path / ".aivcs")
    readable = apsw.Connection

    def read_only(name: str, **_: object) -> apsw.Connection:
        return readable(f"file:{name}?immutable=1", flags=READ_ONLY)

    monkeypatch.setattr(apsw, "Connection", read_only)
    with pytest.raises(StorageError, match="has schema 1") as caught:
        open_repo(tmp_path)
    assert "copy" in str(caught.value.hint)
