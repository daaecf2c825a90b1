"""The command ``completion``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aivcs.cli import output
from aivcs.cli.command import command

if TYPE_CHECKING:
    from aivcs.cli.session import Session

SHELLS = ("bash", "zsh", "fish")


@command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_obj
def completion(session: Session, shell: str) -> None:
    """Print the completion script of a shell.

    For bash: eval "$(aivcs completion bash)" in ~/.bashrc; for zsh the same with zsh in
    ~/.zshrc; for fish: aivcs completion fish > ~/.config/fish/completions/aivcs.fish. JSON:
    {shell, script}.
    """
    from click.shell_completion import BashComplete, FishComplete, ZshComplete

    from aivcs.cli.main import COMPLETE, PROGRAM, root

    kinds = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}
    source = kinds[shell](root(), {}, PROGRAM, COMPLETE).source()
    value = {"shell": shell, "script": source}
    output.answer(session, value, lambda: output.write_lines(source.splitlines()))
