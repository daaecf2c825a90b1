"""What promote, rollback and history say on stderr beside their answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Program


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_the_first_release_of_a_name_is_told(
    here: Program, spec: str, second: str, more: tuple[str, ...]
) -> None:
    assert here.good("promote", "helper", spec, *more).err == "first release of helper\n"
    assert here.good("promote", "helper", second, *more).err == ""
    said = here.good("promote", "hepler", spec, *more)
    assert said.err == "first release of hepler (the spec is named helper)\n"


def test_a_promote_that_changes_nothing_is_told(here: Program, spec: str) -> None:
    here.good("promote", "helper", spec)
    assert (
        here.good("promote", "helper", spec).err == "seq 2 has the same spec as seq 1 before it\n"
    )
    one = ("promote", "helper", spec, "--version-label", "1.0.0")
    assert here.good(*one).err == ""
    assert here.good(*one).err == "seq 4 has the same spec and label as seq 3 before it\n"


def test_a_rollback_that_changes_nothing_is_told(here: Program, spec: str, second: str) -> None:
    for digest in (spec, second, second):
        here.good("promote", "helper", digest)
    said = here.good("rollback", "helper", "--json")
    assert said.json["no_change"] is True
    assert said.err == (
        "warning: seq 4 has the same spec as the release before; "
        "'aivcs rollback helper' again goes further back, --to picks an entry\n"
    )
    assert here.good("rollback", "helper").err == ""
    said = here.good("rollback", "helper", "--to", 1)
    assert said.err == (
        "warning: seq 6 has the same spec as the release before; --to picks an entry\n"
    )
    assert "no_change" in here.good("rollback", "--help").text


def test_a_history_without_an_entry_is_told(here: Program, spec: str) -> None:
    said = here.good("history", "nobody")
    assert said.err == "nobody has no release\n"
    said = here.good("history", "nobody", "--json")
    assert (said.json, said.err) == ([], "")
    here.good("promote", "helper", spec)
    assert here.good("history", "helper").err == ""


def test_why_is_the_reason_of_a_rollback_or_the_notes_of_a_promote(
    here: Program, spec: str, second: str
) -> None:
    here.good("promote", "helper", spec, "--notes", "the first")
    here.good("promote", "helper", second)
    here.good("rollback", "helper")
    rows = here.good("history", "helper").text.splitlines()
    assert [row.split("Z  ")[-1] for row in rows[1:]] == ["-", "-", "the first"]
    assert here.json("current", "helper")["metadata"]["notes"] == "the first"
