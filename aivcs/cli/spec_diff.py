"""The command ``spec diff``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aivcs.cli import output, suggest, views
from aivcs.cli.command import command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.cli.session import Session
    from aivcs.domain.diff import FileChange
    from aivcs.domain.digest import Digest
    from aivcs.repo import Repo


@command("diff")
@click.argument("a", shell_complete=suggest.specs)
@click.argument("b", shell_complete=suggest.specs)
@click.pass_obj
def diff(session: Session, a: str, b: str) -> None:
    """Show what changed between two specs.

    By component and file; texts as unified diffs. JSON: {a, b, changes: [{component, path,
    change, old, new}]}, where change is added, removed, modified or mode, and old and new
    are digests or null.
    """
    with session.open() as repo:
        found = repo.specs.diff(repo.find.spec(a), repo.find.spec(b))
        if session.json:
            output.write_json(views.spec_diff(found))
            return
        if not found.changes:
            output.note("the two are the same")
        for change in found.changes:
            output.write_lines(_lines(repo, found.old, found.new, change))


def _lines(repo: Repo, a: Digest, b: Digest, change: FileChange) -> Iterator[str]:
    from aivcs.domain.diff import text_diff

    yield f"{change.component}: {change.path} ({_what(change)})"
    old = repo.specs.read(a, change.component, change.path) if change.old else b""
    new = repo.specs.read(b, change.component, change.path) if change.new else b""
    lines = text_diff(old, new, change.path)
    if lines is None:
        before, after = output.counted(len(old), "byte"), output.counted(len(new), "byte")
        yield f"    {before} before, {after} after, not text"
    else:
        yield from lines


def _what(change: FileChange) -> str:
    if change.old and change.new and change.old.executable != change.new.executable:
        return f"{change.kind.value}, {'executable' if change.new.executable else 'plain'} now"
    return change.kind.value
