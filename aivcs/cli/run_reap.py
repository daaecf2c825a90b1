"""The command ``run reap``."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from aivcs.cli import output, views
from aivcs.cli.command import command

if TYPE_CHECKING:
    from aivcs.cli.session import Session
    from aivcs.cli.views import View


@command("reap")
@click.option(
    "--idle",
    type=float,
    metavar="SECONDS",
    help="Also runs that nobody holds and nothing was written to for so long.",
)
@click.option("--reason", metavar="TEXT", help="Why, for whoever reads it later.")
@click.option("--dry-run", is_flag=True, help="Only say which they are.")
@click.pass_obj
def reap(session: Session, *, idle: float | None, reason: str | None, dry_run: bool) -> None:
    """Fail runs whose owner is gone.

    Those are the RUNNING ones whose lease is past its deadline. To go on with one instead,
    take it up with 'run resume'. JSON: [{run_id, agent, spec_digest, status, created_at,
    completed_at, total_events, tags, reason}], the newest first; reason says why it is
    taken for abandoned.
    """
    after = None if idle is None else _span(idle)
    with session.open() as repo:
        if dry_run:
            rows = [_row(views.run_row(one.run), one.why) for one in repo.runs.abandoned(after)]
        else:
            rows = [
                _row(views.run_row(run), run.reason) for run in repo.runs.reap(after, reason=reason)
            ]
    verb = "would fail" if dry_run else "failed"
    output.answer(
        session,
        rows,
        lambda: output.write_lines(f"{verb} {row['run_id']}: {row['reason']}" for row in rows),
    )
    if not rows and not session.json:
        other = "" if after is not None else "; runs that nobody ever held need --idle SECONDS"
        output.note(f"no run is abandoned{other}")


def _span(seconds: float) -> timedelta:
    try:
        return timedelta(seconds=seconds)
    except (OverflowError, ValueError):
        msg = f"--idle {seconds} is no time to wait"
        raise click.UsageError(msg, click.get_current_context()) from None


def _row(view: View, reason: str | None) -> View:
    return {**view, "reason": reason}
