"""The command ``spec diff``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aivcs.cli import output, suggest, views
from aivcs.cli.command import command

if TYPE_CHECKING:
    from aivcs.cli.session import Session


@command("diff")
@click.argument("a", shell_complete=suggest.specs)
@click.argument("b", shell_complete=suggest.specs)
@click.pass_obj
def diff(session: Session, a: str, b: str) -> None:
    """Show what changed between two specs.

    By component and file: JSON and TOML of tools, model, config and env by value, other
    texts as unified diffs, the rest by size and digest. JSON: {a, b, changes: [{component,
    path, change, old, new, old_executable, new_executable, old_size, new_size, values: [{path,
    change, old, new, old_pointer, new_pointer}] | null, lines: [text] | null, note}]}. The
    change of a file is added, removed, modified or mode, that of a value added, removed,
    changed or moved; a file's old and new are digests or null.
    """
    with session.open() as repo:
        found = repo.specs.diff(repo.find.spec(a), repo.find.spec(b))
        files = (repo.specs.diff_file(found, change) for change in found.changes)
        if session.json:
            output.write_json(views.spec_diff(found, files))
            return
        if not found.changes:
            output.note("the two are the same")
            return
        from aivcs.cli.specdiff_text import lines

        for file in files:
            output.write_lines(lines(file))
