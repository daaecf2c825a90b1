"""From an exception to what is said on stderr and to the exit status."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

import click

from aivcs.cli import output
from aivcs.errors import AivcsError, StorageError

INTERNAL = 1
USAGE = 2
UNTOLD = 3
NOT_FOUND = 127
INTERRUPTED = 130
CLOSED_PIPE = 141

OWN_CODES = {
    "internal": (INTERNAL, "Something failed that nobody foresaw."),
    "usage": (USAGE, "The arguments are wrong."),
    "interrupted": (INTERRUPTED, "Ctrl-C ended the command."),
    "not_started": (NOT_FOUND, "The command to record is not found; 126: it cannot be executed."),
}
"""Codes that no error of the library bears: exit status and meaning."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What is told of an error: exit status, stable code, sentence, and what to do next."""

    status: int
    code: str
    message: str
    hint: str | None


def describe(error: BaseException) -> Failure:
    """Return what to tell of any exception."""
    if isinstance(error, AivcsError):
        return Failure(error.exit_code, error.code, error.message, error.hint)
    if isinstance(error, click.UsageError):
        path = error.ctx.command_path if error.ctx else "aivcs"
        return Failure(USAGE, "usage", error.format_message(), f"'{path} --help' explains it")
    if isinstance(error, click.ClickException):
        return Failure(USAGE, "usage", error.format_message(), None)
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return Failure(INTERRUPTED, "interrupted", "interrupted", str(error) or None)
    if isinstance(error, OSError):
        what = f"{error.filename}: " if error.filename else ""
        message = f"{what}{error.strerror or error}"
        return Failure(StorageError.exit_code, StorageError.code, message, None)
    hint = "this is a fault of aivcs; AIVCS_TRACEBACK=1 shows where"
    return Failure(INTERNAL, "internal", f"{type(error).__name__}: {error}", hint)


def tell(error: BaseException, *, as_json: bool) -> int:
    """Say on stderr what went wrong and return the exit status."""
    failure = describe(error)
    if failure.code == "internal" and os.environ.get("AIVCS_TRACEBACK"):
        import traceback

        traceback.print_exception(error, file=sys.stderr)
    say(failure, as_json=as_json)
    return failure.status


def say(failure: Failure, *, as_json: bool) -> None:
    """Say a failure on stderr: one JSON object on the last line, or sentences."""
    if as_json:
        told = {"code": failure.code, "message": failure.message, "hint": failure.hint}
        output.to_stderr(output.json_text({"error": told}))
    else:
        output.note(f"error: {failure.message}")
        if failure.hint:
            output.note(f"hint: {failure.hint}")


def settle_stdout() -> None:
    """Write what still waits; let it go nowhere if its reader is gone or its disk full."""
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
