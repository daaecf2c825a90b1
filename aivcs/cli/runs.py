"""The commands ``run list`` and ``run show``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aivcs.cli import output, run_text, suggest, views
from aivcs.cli.command import command

if TYPE_CHECKING:
    from aivcs.cli.session import Session

STATUSES = ("running", "completed", "failed", "cancelled")


@command("list")
@click.option("--agent", metavar="NAME", shell_complete=suggest.agents, help="Only this agent's.")
@click.option("--spec", metavar="SPEC", shell_complete=suggest.specs, help="Only of this spec.")
@click.option(
    "--status", type=click.Choice(STATUSES, case_sensitive=False), help="Only of this status."
)
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help="At most so many.")
@click.option("--after", metavar="RUN", shell_complete=suggest.runs, help="Only older ones.")
@click.pass_obj
def list_runs(
    session: Session,
    agent: str | None,
    spec: str | None,
    status: str | None,
    limit: int | None,
    after: str | None,
) -> None:
    """List the runs, the newest first.

    50 of them unless --limit or --json is given. JSON: [{run_id, agent, spec_digest,
    status, created_at, completed_at, total_events, tags}].
    """
    with session.open() as repo:
        found = repo.runs.list_runs(
            None if spec is None else repo.find.spec(spec),
            agent=agent,
            status=status,
            limit=limit if session.json else None,
            after=None if after is None else repo.find.run(after),
        )
    rows = [views.run_row(run) for run in found]
    output.listing(session, rows, limit, run_text.write_rows)
    if not rows and not session.json:
        chosen = any((agent, spec, status, after))
        none = "no run is like that; without an option all are listed"
        output.note(none if chosen else "there is no run yet; 'aivcs run record' records one")


@command("show")
@click.argument("run", shell_complete=suggest.runs)
@click.pass_obj
def show(session: Session, run: str) -> None:
    """Show a run.

    RUN is an id, its beginning, or 'latest'. JSON: {run_id, agent, spec_digest, status,
    total_events, duration_ms, final_state_digest, root, created_at, completed_at, tags,
    git_sha, reason, expired_at, source: {digest, index, format}, environment}. Of an
    expired run only the log is kept.
    """
    with session.open() as repo:
        value = views.run(repo.runs.get_run(repo.find.run(run)))
    output.answer(session, value, lambda: run_text.write_run(value))
