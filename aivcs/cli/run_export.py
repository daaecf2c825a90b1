"""The command ``run export``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aivcs.cli import output, suggest, views
from aivcs.cli.command import PATH, command

if TYPE_CHECKING:
    from aivcs.cli.session import Session


@command("export")
@click.argument("run", shell_complete=suggest.runs)
@click.option(
    "--trace", "folder", metavar="DIR", type=PATH,
    help="Write DIR/RUN/trace.json and the digest that checks it instead.",
)  # fmt: skip
@click.pass_obj
def export(session: Session, run: str, folder: str | None) -> None:
    """Write the events of a run as JSON Lines.

    One event a line, {seq, kind, payload, timestamp}, as 'run record --events' takes them.
    JSON: {run_id, spec_digest, agent_name, status, created_at, completed_at, events,
    replay_digest, event_count}; with --trace {run_id, folder}.
    """
    with session.open() as repo:
        run_id = repo.find.run(run)
        if folder is not None:
            value = {"run_id": str(run_id), "folder": str(repo.write_trace(run_id, folder))}
            output.answer(session, value, lambda: output.write_lines([value["folder"]]))
        elif session.json:
            output.write_bytes(repo.trace(run_id).to_json().encode())
        else:
            output.write_json_lines(map(views.event, repo.runs.iter_events(run_id)))
