"""The entry point of the command line."""

from __future__ import annotations

import os
import sys
from functools import partial
from typing import TYPE_CHECKING, Final

import click

from aivcs.cli import failures
from aivcs.cli.catalog import ROOT
from aivcs.cli.command import Family
from aivcs.cli.entry import asks_json
from aivcs.cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRAM: Final = "aivcs"
COMPLETE: Final = "_AIVCS_COMPLETE"
_HELP: Final = """Version control for AI agents.

What ran, what it did, what is in production, and how to get back. 'aivcs demo' tells the
whole story in a few seconds.
"""


def main(args: Sequence[str] | None = None, session: Session | None = None) -> int:
    """Run one command and return its exit status.

    ``args`` defaults to the program's own; ``session`` may bring a clock and ids.
    """
    given = list(sys.argv[1:] if args is None else args)
    session = session or Session()
    try:
        _open_closed_streams()
        status = _run(given, session)
        sys.stdout.flush()
    except BrokenPipeError:
        failures.settle_stdout()
        return failures.CLOSED_PIPE
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - no traceback for anybody
        failures.settle_stdout()
        return failures.tell(error, as_json=session.json or asks_json(given))
    return status


def root(given: Sequence[str] = ()) -> Family:
    """Return the program as a group of commands, for the arguments ``given``."""
    program = Family(PROGRAM, ROOT, _HELP)
    version = click.Option(
        ["--version"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=partial(_print_version, given),
        help="Print the version and end.",
    )
    program.params.append(version)
    return program


def _run(given: list[str], session: Session) -> int:
    program = root(given)
    if instruction := os.environ.get(COMPLETE):
        from click.shell_completion import shell_complete

        return shell_complete(program, {"obj": session}, PROGRAM, COMPLETE, instruction)
    try:
        with program.make_context(PROGRAM, list(given), obj=session) as context:
            status = program.invoke(context)
    except click.exceptions.Exit as end:
        return end.exit_code
    return status if isinstance(status, int) else 0


def _open_closed_streams() -> None:
    """Give a program that was started with closed streams empty ones.

    Else a file of the repository would be opened as stdout.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - open to the end


def _print_version(
    given: Sequence[str], context: click.Context, _option: click.Parameter, value: bool
) -> None:
    if not value or context.resilient_parsing:
        return
    from aivcs import __version__
    from aivcs.cli import output

    if asks_json(given):
        output.write_json({"version": __version__})
    else:
        output.write_lines([f"{PROGRAM} {__version__}"])
    context.exit()
