"""The command ``run events``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from aivcs.cli import output, suggest, views
from aivcs.cli.command import command

if TYPE_CHECKING:
    from aivcs.cli.session import Session

_COLUMNS: Final[tuple[output.Column, ...]] = (
    ("seq", lambda view: view["seq"]),
    ("time", lambda view: output.second(view["timestamp"])),
    ("kind", lambda view: view["kind"]),
    ("payload", lambda view: "erased" if "erased" in view else output.json_text(view["payload"])),
)


@command("events")
@click.argument("run", shell_complete=suggest.runs)
@click.option("--after", type=click.IntRange(min=0), default=0, metavar="SEQ", help="Only later.")
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help="At most so many.")
@click.pass_obj
def events(session: Session, run: str, after: int, limit: int | None) -> None:
    """Show what happened in a run.

    In order of seq, 50 events unless --limit or --json is given; long payloads are cut,
    JSON has them whole. JSON: [{seq, kind, payload, timestamp}]; the payload of an event
    that 'run purge' has erased is null, and its erased is true.
    """
    wanted = limit if limit is not None or session.json else output.ROWS
    with session.open() as repo:
        run_id = repo.find.run(run)
        total = repo.runs.get_run(run_id).total_events
        found = repo.runs.iter_events(run_id, after=after, limit=wanted)
        rows = [views.event(event) for event in found]
    output.answer(session, rows, lambda: output.write_table(_COLUMNS, rows))
    if not session.json:
        output.more(total - after - len(rows), "--after SEQ and --limit N show more, --json all")
