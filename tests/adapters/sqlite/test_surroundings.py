"""What was around when a spec was stored: the table's guards, and how an older file gets it."""
# ruff: noqa: S608 - the statements are made of constants of this file

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from aivcs.errors import CorruptionError
from aivcs.repo import open_repo
from tests.adapters.sqlite.test_inspection import check
from tests.docs.markdown import ROOT
from tests.reseal import edit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OLD = ROOT / "tests" / "golden" / "schema-2"


def test_a_file_of_the_second_schema_has_none_and_gets_some(tmp_path: Path) -> None:
    shutil.copytree(OLD, tmp_path / ".aivcs")
    with open_repo(tmp_path) as repo:
        specs = repo.specs.list()
        assert specs
        assert {spec.environment for spec in specs} == {None}
        assert repo.verify().ok
        again = repo.specs.add(ROOT / "aivcs" / "demo" / "data" / "agent-v1")
        assert again.environment is not None
        assert repo.specs.get(again.digest).environment == again.environment
        assert repo.verify().ok
    assert check(tmp_path / ".aivcs" / "aivcs.db") == []


@pytest.fixture
def noted(filled: Any) -> Any:
    with open_repo(filled.place) as repo:
        repo.specs.add({"name": "noted", "components": {"prompts": {"a.md": "x"}}})
    return filled


@pytest.mark.parametrize("or_", ["", "OR REPLACE ", "OR IGNORE "])
def test_what_was_seen_stays(noted: Any, foreign: Callable[..., list[str]], or_: str) -> None:
    scripts = [
        "DELETE FROM surroundings",
        f"UPDATE {or_}surroundings SET environment = '{{}}'",
        f"INSERT {or_}INTO surroundings SELECT spec, '{{}}', x'0000000000000000' FROM surroundings",
    ]
    answers = foreign(noted.path, *scripts)
    assert [answer for answer in answers if not answer.startswith("aivcs: ")] == []


@pytest.mark.parametrize(
    ("change", "sealed", "why"),
    [
        ("environment = replace(environment, '3', '4')", False, "its checksum does not fit"),
        ("environment = '[]'", True, "its environment is not an object"),
        ("environment = '{'", True, "not JSON"),
    ],
)
def test_a_changed_row_is_named(noted: Any, change: str, sealed: bool, why: str) -> None:
    edit(noted.path, f"UPDATE surroundings SET {change}", sealed=sealed)
    with open_repo(noted.place) as repo:
        with pytest.raises(CorruptionError, match=why):
            repo.specs.list()
        assert not repo.verify(objects=False).ok
