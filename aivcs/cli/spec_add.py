"""The command ``spec add``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aivcs.cli import output, views
from aivcs.cli.command import PATH, command

if TYPE_CHECKING:
    from aivcs.cli.session import Session
    from aivcs.domain.folder import Folder

_NAMED = 5


@command("add")
@click.argument("directory", default=".", metavar="[DIR]", type=PATH)
@click.option("--name", help="The agent's name; else the manifest's or the folder's.")
@click.option("--explain", is_flag=True, help="Only show what would be taken, and what not.")
@click.pass_obj
def add(session: Session, directory: str, name: str | None, explain: bool) -> None:
    """Store what is in an agent's folder as a spec.

    DIR is the current folder unless given. Its aivcs.toml says which files are prompts,
    tools, model, graph, config and env; without one default patterns do. The same content
    always has the same digest. JSON: {digest, name, components, git_sha, dirty,
    created_at, environment}; with --explain: {name, files, left_out, secrets}.
    """
    with session.open() as repo:
        folder = repo.specs.explain(directory)
        if explain:
            value = views.folder(folder)
            output.answer(session, value, lambda: _write_folder(folder))
            return
        spec = repo.specs.add(folder, name=name)
    warn(folder)
    value = views.spec_details(spec)
    output.answer(session, value, lambda: output.write_lines([f"{spec.digest}  {spec.name}"]))


def warn(folder: Folder) -> None:
    """Say on stderr what of a folder was left out."""
    secrets = folder.secrets
    if secrets:
        named = ", ".join(secrets[:_NAMED]) + (", ..." if len(secrets) > _NAMED else "")
        output.note(
            f"warning: left out {len(secrets)} that look like secrets: {named};"
            " allow_secrets in aivcs.toml takes them"
        )
    others = len(folder.left_out) - len(secrets)
    if others > 0:
        output.note(f"left out {others} more; 'aivcs spec add --explain' lists them")


def _write_folder(folder: Folder) -> None:
    rows: list[views.View] = [
        {"component": file.component, "path": file.path, "note": output.counted(file.size, "byte")}
        for file in folder.files
    ]
    rows += [{"component": None, "path": left.path, "note": left.why} for left in folder.left_out]
    output.write_table(
        (
            ("component", lambda row: row["component"]),
            ("path", lambda row: row["path"]),
            ("note", lambda row: row["note"]),
        ),
        rows,
    )
