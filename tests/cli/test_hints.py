"""What is advised after a mistake: misspelt commands, short ids, payloads that are no JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Program


@pytest.mark.parametrize(
    ("args", "about"),
    [
        (("help",), ()),
        (("help", "--json"), ()),
        (("help", "rollback"), ("rollback",)),
        (("help", "run"), ("run",)),
        (("help", "run", "record"), ("run", "record")),
        (("run", "help"), ("run",)),
        (("run", "help", "record"), ("run", "record")),
    ],
)
def test_help_is_a_word_too(
    program: Program, args: tuple[str, ...], about: tuple[str, ...]
) -> None:
    assert program.good(*args).out == program.good(*about, "--help").out


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("histroy",), "no such command: 'histroy', did you mean 'history'?"),
        (("run", "recrod"), "no such command: 'recrod', did you mean 'record'?"),
        (("help", "verfy"), "no such command: 'verfy', did you mean 'verify'?"),
        (
            ("show",),
            (
                "no such command: 'show', did you mean 'key show' or 'git show' or 'spec show' or "
                "'run show' or 'eval show'?"
            ),
        ),
        (("odd",), "no such command: 'odd'"),
    ],
)
def test_a_misspelt_command_is_told(program: Program, args: tuple[str, ...], message: str) -> None:
    said = program(*args, "--json")
    assert said.status == 2
    assert (said.error["code"], said.error["message"]) == ("usage", message)


def test_an_unknown_option_is_no_misspelt_command(program: Program) -> None:
    said = program("--odd")
    assert said.status == 2
    assert "--odd" in said.err


def test_a_run_without_a_spec_names_the_options(here: Program) -> None:
    hint = here("run", "start", "--json").error["hint"]
    assert "--spec" in hint
    assert "--agent" in hint


@pytest.mark.parametrize(
    "args", [("run", "show"), ("spec", "show"), ("object", "stat")], ids=" ".join
)
def test_an_id_that_is_too_short_is_told(here: Program, args: tuple[str, str]) -> None:
    assert "4" in here(*args, "abc", "--json").error["hint"]


def test_an_unknown_id_of_enough_characters_is_not_called_short(here: Program) -> None:
    assert here("run", "show", "abcd", "--json").error["hint"] == "'aivcs run list' lists the runs"


@pytest.mark.parametrize(
    ("payload", "hint"),
    [
        ("NaN", "use null or text"),
        ("[1e999]", "use null or text"),
        ("9" * 5000, "store a very long integer as text"),
        ("[" * 102 + "]" * 102, "store the data as an object and name its digest"),
        ("[" * 101 + "]" * 101, "store the data as an object and name its digest"),
        ("{", """for example --payload '{"tool_name": "search"}'"""),
    ],
)
def test_the_hint_fits_the_payload(here: Program, run: str, payload: str, hint: str) -> None:
    said = here("run", "append", run, "--kind", "k", "--payload", payload, "--json")
    assert (said.error["code"], said.error["hint"]) == ("invalid_event", hint)


def test_a_payload_that_is_not_text(here: Program, run: str) -> None:
    args = ("run", "append", run, "--kind", "k", "--payload", "-", "--json")
    assert here(*args, stdin=b"\xff").error["hint"] == "JSON is UTF-8 text"
