"""The command ``run diff``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aivcs.cli import output, suggest
from aivcs.cli.command import command

if TYPE_CHECKING:
    from aivcs.cli.session import Session


@command("diff")
@click.argument("a", shell_complete=suggest.runs)
@click.argument("b", shell_complete=suggest.runs)
@click.option(
    "--pointer", "pointers", metavar="POINTER", multiple=True,
    help="Compare only this part of the states (RFC 6901: /memory/0); may repeat.",
)  # fmt: skip
@click.pass_obj
def diff(session: Session, a: str, b: str, pointers: tuple[str, ...]) -> None:
    """Show in what two runs differ, and where first.

    Times and ids that are new in each run are no difference. Tool calls are aligned; states
    are the final ones, else those of the last checkpoints. JSON: {a, b, divergence: {index,
    a, b, deltas} | null, tool_calls: [{change, ...}], nodes: {common_prefix, tail_a,
    tail_b} | null, state: [{pointer, before, after}], metrics: [{name, before, after}]},
    where change is added, removed, reordered or param_changed.
    """
    with session.open() as repo:
        one, other = repo.find.run(a), repo.find.run(b)
        found = repo.diff_runs(one, other, pointers=pointers or None)
    if session.json:
        output.write_json(found.to_dict())
        return
    from aivcs.cli.rundiff_text import lines

    printed = list(lines(found))
    if not printed:
        output.note("the two do the same")
    output.write_lines(printed)
