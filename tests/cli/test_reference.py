from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from aivcs.cli.catalog import FAMILIES, ROOT
from aivcs.cli.reference import reference

if TYPE_CHECKING:
    from tests.cli.conftest import Program

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"
COMMANDS = {
    (*family, name): entry
    for family, entries in [((), ROOT), *(((name,), found) for name, found in FAMILIES.items())]
    for name, entry in entries.items()
    if entry[0]
}


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_the_catalog_tells_the_truth(program: Program, path: tuple[str, ...]) -> None:
    place, line = COMMANDS[path]
    home, attribute = place.split(":")
    found = getattr(import_module(home), attribute)
    assert isinstance(found, click.Command)
    assert found.name == path[-1]
    assert (found.help or "").splitlines()[0] == line
    text = program.good(*path, "--help").text
    assert text == program.good(*path, "-h").text
    assert f"Usage: aivcs {' '.join(path)} " in text
    for option in ("--json", "-C, --repo DIR"):
        assert option in text


def test_help_lists_every_command(program: Program) -> None:
    text = program.good("--help").text
    assert all(f"  {name} " in text for name in ROOT)
    for family, entries in FAMILIES.items():
        assert all(f"  {name} " in program.good(family, "--help").text for name in entries)


def test_version(program: Program) -> None:
    assert program.good("--version").text == "aivcs 0.1.0\n"
    assert program.json("--version") == {"version": "0.1.0"}


def test_the_page_in_the_docs_is_what_the_program_says() -> None:
    assert PAGE.read_text() == reference(), "run 'make docs'"


def test_the_page_has_every_command_status_and_code() -> None:
    page = reference()
    for path in COMMANDS:
        assert f"### aivcs {' '.join(path)}\n" in page
    for status in (0, 1, 2, 3, 4, 5, 6, 7, 10, 130):
        assert f"| {status} | " in page
    for code in ("usage", "internal", "gate_failed", "no_repository", "ambiguous_id"):
        assert f"| `{code}` | " in page


def test_the_page_is_printed_by_its_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "aivcs.cli.reference"], capture_output=True, text=True, check=True
    )
    assert done.stdout == reference()
