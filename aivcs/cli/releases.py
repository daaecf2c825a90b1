"""The commands ``current``, ``history`` and ``releases``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aivcs.cli import output, release_graph, release_text, suggest, views
from aivcs.cli.command import command

if TYPE_CHECKING:
    from aivcs.cli.session import Session


@command("current")
@click.argument("name", shell_complete=suggest.agents)
@click.pass_obj
def current(session: Session, name: str) -> None:
    """Show the current release of an agent.

    NAME@SEQ, NAME@LABEL and NAME~N show another entry. Exit status 3 when there is none.
    JSON: as 'promote'.
    """
    with session.open() as repo:
        value = views.release(repo.find.release(name))
    output.answer(session, value, lambda: release_text.write_release(value))


@command("history")
@click.argument("name", shell_complete=suggest.agents)
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help="At most so many.")
@click.pass_obj
def history(session: Session, name: str, limit: int | None) -> None:
    """List an agent's releases, the newest first.

    50 of them unless --limit or --json is given; none for an unknown agent. The first column
    shows the lineage: @ is current, o is what rollbacks reach from there, x was left behind,
    - is a deprecation, and ! stands at what is deprecated. JSON: a list of what 'promote'
    gives.
    """
    with session.open() as repo:
        records = repo.releases.history(name)
    found = [views.release(record) for record in records]
    cells = {} if session.json else release_graph.graph(records)
    output.listing(session, found, limit, lambda shown: release_text.write_history(shown, cells))
    if not found and not session.json:
        output.note(f"{name} has no release")


@command("releases")
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help="At most so many.")
@click.pass_obj
def releases(session: Session, limit: int | None) -> None:
    """List the current release of every agent.

    By name, 50 of them unless --limit or --json is given. JSON: a list of what 'promote'
    gives.
    """
    with session.open() as repo:
        found = [views.release(record) for record in repo.releases.list()]
    output.listing(session, found, limit, release_text.write_releases)
