"""The entry point of the command line."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

import click

from aivcs.cli import failures
from aivcs.cli.catalog import ROOT
from aivcs.cli.command import Family
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
        status = _run(given, session)
        sys.stdout.flush()
    except click.exceptions.Exit as end:
        return end.exit_code
    except BrokenPipeError:
        failures.forget_stdout()
        return failures.CLOSED_PIPE
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - no traceback for anybody
        if isinstance(error, OSError):
            failures.forget_stdout()
        return failures.tell(error, as_json=session.json or _asks_json(given))
    return status


def root() -> Family:
    """Return the program as a group of commands."""
    program = Family(PROGRAM, ROOT, _HELP)
    version = click.Option(
        ["--version"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_print_version,
        help="Print the version and end.",
    )
    program.params.append(version)
    return program


def _run(given: list[str], session: Session) -> int:
    program = root()
    if instruction := os.environ.get(COMPLETE):
        from click.shell_completion import shell_complete

        return shell_complete(program, {"obj": session}, PROGRAM, COMPLETE, instruction)
    with program.make_context(PROGRAM, given, obj=session) as context:
        status = program.invoke(context)
    return status if isinstance(status, int) else 0


def _print_version(context: click.Context, _option: click.Parameter, value: bool) -> None:
    if not value or context.resilient_parsing:
        return
    from aivcs import __version__
    from aivcs.cli import output

    if _asks_json(sys.argv[1:]) or context.ensure_object(Session).json:
        output.write_json({"version": __version__})
    else:
        output.write_lines([f"{PROGRAM} {__version__}"])
    context.exit()


def _asks_json(given: Sequence[str]) -> bool:
    """Tell whether ``--json`` stands among the program's own arguments, parsed or not."""
    own = given[: given.index("--")] if "--" in given else given
    return "--json" in own


if __name__ == "__main__":
    sys.exit(main())
