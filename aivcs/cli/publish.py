"""The command ``publish``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aivcs.cli import output
from aivcs.cli.command import command

if TYPE_CHECKING:
    from aivcs.cli.session import Session
    from aivcs.cli.views import View
    from aivcs.domain.published import Published


@command("publish")
@click.option("--rebuild", is_flag=True, help="Write all files anew, whatever is there.")
@click.pass_obj
def publish(session: Session, *, rebuild: bool) -> None:
    """Publish the logs of releases and of runs as static files.

    They are tiles and a signed checkpoint below 'log' in the repository's folder, for any web
    server to hand out. 'promote' and 'rollback' do it by themselves; runs that ended since are
    published then, or here. Without a key the checkpoints are unsigned. JSON: [{log, origin,
    size, root, signed, added}].
    """
    with session.open() as repo:
        found = [_view(one) for one in repo.publish(rebuild=rebuild)]
    output.answer(session, found, lambda: _write(found))


def _view(published: Published) -> View:
    head = published.checkpoint.checkpoint
    return {
        "log": published.log,
        "origin": head.origin,
        "size": head.size,
        "root": head.root.hex(),
        "signed": published.signed,
        "added": published.added,
    }


def _write(found: list[View]) -> None:
    for one in found:
        entries = "1 entry" if one["size"] == 1 else f"{one['size']} entries"
        signed = "signed" if one["signed"] else "unsigned: integrity only"
        output.write_lines([f"{one['origin']}: {entries}, {one['added']} new, {signed}"])
    if not found:
        output.note("there is nothing to publish yet")
    elif not all(one["signed"] for one in found):
        output.note("hint: 'aivcs key create ORIGIN' makes a key, so that nobody else can do this")
