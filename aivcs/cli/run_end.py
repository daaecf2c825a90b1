"""The commands ``run complete``, ``run fail`` and ``run cancel``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from aivcs.cli import inputs, output, run_text, suggest, views
from aivcs.cli.catalog import FAMILIES
from aivcs.cli.command import PATH, Command

if TYPE_CHECKING:
    from aivcs.cli.session import Session
    from aivcs.domain.run import RunStatus


def _ending(verb: str, status: str) -> click.Command:
    @click.command(
        verb,
        cls=Command,
        help=f"{FAMILIES['run'][verb][1]}\n\nNothing can follow. JSON: as 'run show'.",
    )
    @click.argument("run", shell_complete=suggest.runs)
    @click.option(
        "--state", metavar="FILE", type=PATH, help="The final state, stored as an object."
    )
    @click.option("--reason", metavar="TEXT", help="Why, for whoever reads it later.")
    @click.pass_obj
    def end(session: Session, run: str, state: str | None, reason: str | None) -> None:
        from aivcs.domain.run import RunStatus

        _end(session, run, RunStatus(status), state, reason)

    return end


def _end(
    session: Session, run: str, status: RunStatus, state: str | None, reason: str | None
) -> None:
    from aivcs.services.closing import Ending, close_run

    if state is not None:
        inputs.check_readable(state)
    with session.open() as repo:
        ending = Ending(status, None if state is None else Path(state), reason)
        record = close_run(repo.runs, repo.objects, repo.clock, repo.find.run(run), ending)
    value = views.run(record)
    output.answer(session, value, lambda: run_text.write_run(value))


complete = _ending("complete", "COMPLETED")
fail = _ending("fail", "FAILED")
cancel = _ending("cancel", "CANCELLED")
