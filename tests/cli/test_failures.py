from __future__ import annotations

import errno
import sys
from typing import TYPE_CHECKING

import click
import pytest

from aivcs import errors
from aivcs.cli.failures import describe
from aivcs.cli.main import main

if TYPE_CHECKING:
    from tests.cli.conftest import Program


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (ValueError("odd"), 1, "internal"),
        (click.UsageError("odd"), 2, "usage"),
        (click.ClickException("odd"), 2, "usage"),
        (errors.InvalidDigest("odd"), 2, "invalid_digest"),
        (errors.RunNotFound("odd"), 3, "run_not_found"),
        (errors.StaleCurrent("odd"), 4, "stale_current"),
        (errors.GateFailed("odd"), 5, "gate_failed"),
        (errors.MissingObject("odd"), 6, "missing_object"),
        (OSError(errno.ENOSPC, "No space left on device", "file"), 7, "storage"),
        (OSError("odd"), 7, "storage"),
        (errors.RepositoryTooNew("odd"), 10, "repository_too_new"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (click.Abort(), 130, "interrupted"),
    ],
)
def test_each_failure_has_its_status_and_code(
    program: Program,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    status: int,
    code: str,
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("aivcs.cli.session.Session.open", fail)
    assert program.fail("releases") == (status, code)
    said = program("releases")
    assert said.status == status
    assert said.out == b""
    assert said.err.startswith("error: ")


def test_messages_and_hints_stand_on_lines_of_their_own(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = "no run\n\x1b[31m"

    def fail(*_: object) -> None:
        raise errors.RunNotFound(message, hint="look")

    monkeypatch.setattr("aivcs.cli.session.Session.open", fail)
    assert program("releases").err == "error: no run\\n\\x1b[31m\nhint: look\n"
    error = program("releases", "--json").error
    assert error == {"code": "run_not_found", "message": "no run\n\x1b[31m", "hint": "look"}


def test_an_os_error_names_its_file() -> None:
    failure = describe(OSError(errno.EACCES, "Permission denied", "some/file"))
    assert failure.message == "some/file: Permission denied"


def test_a_traceback_only_on_request(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("aivcs.cli.session.Session.open", fail)
    assert "Traceback" not in program("releases").err
    monkeypatch.setenv("AIVCS_TRACEBACK", "1")
    said = program("releases", "--json")
    assert "Traceback" in said.err
    assert said.error["code"] == "internal"


@pytest.mark.parametrize(
    "args",
    [
        ("--json",),
        ("odd", "--json"),
        ("run", "--json"),
        ("run", "odd", "--json"),
        ("run", "show", "--json"),
        ("--json", "run", "list", "--odd"),
        ("run", "--json", "list", "odd"),
        ("run", "list", "--limit", "x", "--json"),
    ],
)
def test_wrong_arguments_are_told_as_asked(program: Program, args: tuple[str, ...]) -> None:
    said = program(*args)
    assert said.status == 2
    assert said.error["code"] == "usage"
    assert "--help" in said.error["hint"]


def test_what_a_command_is_given_is_not_ours(program: Program) -> None:
    said = program("run", "record", "--odd", "--", "x", "--json")
    assert said.status == 2
    assert said.err.startswith("error: ")


def test_nothing_asked_shows_the_help_on_stderr(program: Program) -> None:
    said = program()
    assert said.status == 2
    assert said.out == b""
    assert "Usage: aivcs" in said.err
    assert said.err.endswith("hint: 'aivcs --help' explains it\n")


def test_a_stderr_that_is_gone_changes_nothing(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    program.good("init")

    class Gone:
        def write(self, _: str) -> None:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stderr", Gone())
    assert main(["current", "nobody"]) == 3
