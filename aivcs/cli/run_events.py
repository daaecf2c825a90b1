"""The commands ``run events`` and ``run watch``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from aivcs.cli import output, run_text, suggest, views
from aivcs.cli.command import command

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aivcs.cli.session import Session
    from aivcs.domain.events import RunEvent

_KINDS: Final = click.option(
    "--kind", "kinds", metavar="KIND", multiple=True, help="Only of this kind; may repeat."
)
_AFTER: Final = click.option(
    "--after", type=click.IntRange(min=0), default=0, metavar="SEQ", help="Only later."
)


@command("events")
@click.argument("run", shell_complete=suggest.runs)
@_KINDS
@_AFTER
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help="At most so many.")
@click.option("-f", "--follow", is_flag=True, help="Go on until the run has ended.")
@click.pass_obj
def events(
    session: Session,
    run: str,
    *,
    kinds: tuple[str, ...],
    after: int,
    limit: int | None,
    follow: bool,
) -> None:
    """Show what happened in a run.

    In order of seq, 50 events unless --limit, --follow or --json is given; long payloads are
    cut, JSON has them whole. JSON: [{seq, kind, payload, timestamp}], written as they land with
    --follow; the payload of an event that 'run purge' has erased is null, and its erased is
    true.
    """
    with session.open() as repo:
        run_id = repo.find.run(run)
        if follow:
            from itertools import islice

            landing = repo.watch(run_id, after, kinds=kinds)
            _write_landing(session, islice(landing, limit))
            return
        wanted = limit if limit is not None or session.json else output.ROWS
        # One more tells whether there are more.
        asked = None if wanted is None else wanted + 1
        found = repo.runs.iter_events(run_id, after=after, limit=asked, kinds=kinds)
        rows = [views.event(event) for event in found]
        total = repo.runs.get_run(run_id).total_events
    shown = rows[:wanted]
    output.answer(session, shown, lambda: output.write_table(run_text.EVENT_COLUMNS, shown))
    if kinds and not rows and not session.json:
        output.note(f"no event of this kind behind seq {after}; without --kind all are shown")
    if session.json or len(rows) == len(shown):
        return
    how = "--after SEQ and --limit N show more, --json all"
    if kinds:
        output.note(f"there are more; {how}")
    else:
        output.more(max(1, total - after - len(shown)), how)


@command("watch")
@click.argument("run", shell_complete=suggest.runs)
@_KINDS
@_AFTER
@click.pass_obj
def watch(session: Session, run: str, *, kinds: tuple[str, ...], after: int) -> None:
    """Show a run as it happens, until it has ended.

    Its events so far, then each as it lands, then the run. Ctrl-C ends the watching, not the
    run. JSON: as 'run events --follow'.
    """
    with session.open() as repo:
        run_id = repo.find.run(run)
        _write_landing(session, repo.watch(run_id, after, kinds=kinds))
        if not session.json:
            run_text.write_runs([views.run_row(repo.runs.get_run(run_id))])


def _write_landing(session: Session, events: Iterable[RunEvent]) -> None:
    """Print events as they come."""
    found = map(views.event, events)
    if session.json:
        output.write_json_items(found)
        return
    for view in found:
        output.write_lines([run_text.event_line(view)])
