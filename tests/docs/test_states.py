"""The page on states shows the tables the program works with."""

from __future__ import annotations

import importlib.util
import re
from typing import TYPE_CHECKING

import pytest

from aivcs.domain.execution import NEXT, ExecutionState
from tests.docs.markdown import DOCS, ROOT, table

if TYPE_CHECKING:
    from types import ModuleType

PAGE = (DOCS / "states.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("states", ROOT / "scripts" / "states.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_as_the_program_writes_it(script: ModuleType) -> None:
    assert script.renewed(PAGE) == PAGE
    assert set(re.findall(r"<!-- begin: (\w+) -->", PAGE)) == script.PARTS.keys()


def test_a_page_that_is_out_of_date_is_renewed(script: ModuleType) -> None:
    old = PAGE.replace("Running --> Paused: pause\n", "")
    assert old != PAGE
    assert script.renewed(old) == PAGE


def test_the_diagram_has_the_moves_of_the_guard() -> None:
    drawn = {state: set[str]() for state in ExecutionState}
    for old, new in re.findall(r"^    (\w+) --> (\w+):", PAGE, re.MULTILINE):
        drawn[ExecutionState(old)].add(new)
    assert drawn == {state: {new.value for new in news} for state, news in NEXT.items()}


def test_every_state_has_its_row() -> None:
    rows = table(PAGE, "## An execution")
    assert [row[0] for row in rows] == [state.value for state in ExecutionState]
    assert [row[0] for row in rows if row[2] == "yes"] == ["Completed", "Failed", "Cancelled"]
