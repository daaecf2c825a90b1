"""The commands ``spec show``, ``spec list`` and ``spec checkout``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aivcs.cli import output, suggest, views
from aivcs.cli.command import PATH, command

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aivcs.cli.session import Session
    from aivcs.domain.spec import AgentSpec, SpecFile


@command("show")
@click.argument("spec", shell_complete=suggest.specs)
@click.pass_obj
def show(session: Session, spec: str) -> None:
    """Show a spec and its files.

    SPEC is a digest or its beginning, or a release: NAME, NAME@SEQ, NAME@LABEL, NAME~1.
    JSON: as 'spec add', and files: {component: [{path, executable, digest}]}. What is said
    of git, interpreter and platform is what the newest 'spec add' of this content saw.
    """
    with session.open() as repo:
        digest = repo.find.spec(spec)
        found, files = repo.specs.get(digest), repo.specs.files(digest)
    value = {**views.spec_details(found), "files": views.spec_files(files)}
    output.answer(session, value, lambda: _write(found, files))


def _write(found: AgentSpec, files: Mapping[str, tuple[SpecFile, ...]]) -> None:
    fields = views.spec_details(found)
    del fields["components"]
    if found.environment is not None:
        fields["environment"] = ", ".join(
            f"{key} {text}" for key, text in found.environment.items()
        )
    output.write_fields(fields.items())
    rows: list[views.View] = [
        {"component": part, "path": file.path, "digest": str(file.digest)}
        for part, some in files.items()
        for file in some
    ]
    output.write_lines([""])
    output.write_table(
        (
            ("component", lambda row: row["component"]),
            ("path", lambda row: row["path"]),
            ("digest", lambda row: output.short(row["digest"])),
        ),
        rows,
    )


@command("list")
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help="At most so many.")
@click.pass_obj
def list_specs(session: Session, limit: int | None) -> None:
    """List the specs, the newest first.

    50 of them unless --limit or --json is given. JSON: [{digest, name, components, git_sha,
    dirty, created_at}].
    """
    with session.open() as repo:
        specs = [views.spec(spec) for spec in repo.specs.list()]
    columns: tuple[output.Column, ...] = (
        ("spec", lambda view: output.short(view["digest"])),
        ("name", lambda view: view["name"]),
        ("created", lambda view: output.second(view["created_at"])),
        ("git commit", lambda view: output.short(view["git_sha"])),
    )
    output.listing(session, specs, limit, lambda rows: output.write_table(columns, rows))


@command("checkout")
@click.argument("spec", shell_complete=suggest.specs)
@click.argument("directory", metavar="DIR", type=PATH)
@click.pass_obj
def checkout(session: Session, spec: str, directory: str) -> None:
    """Write a spec's files into a new folder.

    DIR must be absent or empty; all files are written or none. 'spec add DIR' gives the
    same digest again. JSON: {digest, directory, files}, the last a number.
    """
    with session.open() as repo:
        digest = repo.find.spec(spec)
        repo.specs.checkout(digest, directory)
        count = sum(len(files) for files in repo.specs.files(digest).values())
    value = {"digest": str(digest), "directory": directory, "files": count}
    files = output.counted(count, "file")
    text = f"wrote {files} of spec {digest.short()} to {directory}"
    output.answer(session, value, lambda: output.write_lines([text]))
