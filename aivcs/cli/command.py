"""Commands that take the common options in any place, and groups that load them late."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import click

from aivcs.cli import output
from aivcs.cli.catalog import FAMILIES
from aivcs.cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Mapping

PATH: Final = click.Path(readable=False)
"""A path that the library looks at, and the shell completes."""

HELP: Final = "help"
HELP_NAMES: Final = {"help_option_names": ["-h", "--help"]}


def _ask_json(context: click.Context, _option: click.Parameter, value: bool) -> None:
    if value:
        context.ensure_object(Session).json = True


def _choose(context: click.Context, _option: click.Parameter, value: str | None) -> None:
    if value is not None:
        context.ensure_object(Session).directory = value


def common_options() -> list[click.Parameter]:
    """Return the options that stand before or after any command."""
    return [
        click.Option(
            ["--json"],
            is_flag=True,
            expose_value=False,
            callback=_ask_json,
            help="Print one JSON value on stdout, and failures as JSON on stderr.",
        ),
        click.Option(
            ["-C", "--repo"],
            metavar="DIR",
            type=PATH,
            expose_value=False,
            callback=_choose,
            help="The repository's folder; else AIVCS_DIR, else found here or above.",
        ),
    ]


class Command(click.Command):
    """A command with the common options after its own."""

    def __init__(self, *args: Any, **settings: Any) -> None:  # noqa: ANN401 - as click has it
        settings["context_settings"] = {**HELP_NAMES, **(settings.get("context_settings") or {})}
        super().__init__(*args, **settings)
        self.params += common_options()


command = partial(click.command, cls=Command)


class Family(click.Group):
    """A group whose commands are imported when they are called.

    ``entries`` has, by name, where the command is (``module:attribute``; empty for a
    family) and its one line of help, so that listing them imports nothing.
    """

    def __init__(self, name: str, entries: Mapping[str, tuple[str, str]], help_text: str) -> None:
        super().__init__(name, help=help_text, context_settings=HELP_NAMES, no_args_is_help=False)
        self.entries = entries
        self.params += common_options()

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Show the help on stderr when nothing at all is asked."""
        if not args and not ctx.resilient_parsing:
            output.to_stderr(f"{ctx.get_help()}\n")
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the catalog's order."""
        del ctx
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None for an unknown name."""
        del ctx
        if cmd_name not in self.entries:
            return None
        place, line = self.entries[cmd_name]
        if not place:
            return Family(cmd_name, FAMILIES[cmd_name], line)
        home, attribute = place.split(":")
        found: click.Command = getattr(import_module(home), attribute)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; ``help`` asks for that of what follows, a misspelt name is told."""
        name = args[0]
        if name in self.entries or name.startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        if name != HELP:
            msg = f"no such command: {name!r}{self._near(name)}"
            raise click.UsageError(msg, ctx)
        about = [word for word in args[1:] if not word.startswith("-")]
        if about:
            return self.resolve_command(ctx, [*about, "--help"])
        click.echo(ctx.get_help(), color=ctx.color)
        raise click.exceptions.Exit(0)

    def _near(self, name: str) -> str:
        from difflib import get_close_matches

        near = get_close_matches(name, self.entries)
        near += [
            f"{family} {name}"
            for family, commands in FAMILIES.items()
            if family in self.entries and name in commands
        ]
        quoted = [f"'{one}'" for one in near]
        return f", did you mean {' or '.join(quoted)}?" if quoted else ""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the catalog."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in self.entries.items()])
