"""The commands ``run start`` and ``run append``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aivcs.cli import inputs, output, suggest, views
from aivcs.cli.command import command

if TYPE_CHECKING:
    from aivcs.cli.session import Session


@command("start")
@click.option("--agent", metavar="NAME", shell_complete=suggest.agents, help="Who runs.")
@click.option("--spec", metavar="SPEC", shell_complete=suggest.specs, help="What it consists of.")
@click.option("--tag", "tags", metavar="K=V", multiple=True, help="A tag of the run; may repeat.")
@click.pass_obj
def start(session: Session, agent: str | None, spec: str | None, tags: tuple[str, ...]) -> None:
    """Begin a run and print its id.

    It is RUNNING until 'run complete', 'run fail' or 'run cancel' ends it. Without --spec
    the current release of --agent counts; without --agent the spec's name. JSON: as 'run
    show'.
    """
    with session.open() as repo:
        digest = None if spec is None else repo.find.spec(spec)
        live = repo.run(spec=digest, agent=agent, tags=inputs.tags(tags))
        value = views.run(live.record())
    output.answer(session, value, lambda: output.write_lines([str(value["run_id"])]))


@command("append")
@click.argument("run", shell_complete=suggest.runs)
@click.option("--kind", required=True, help="What happened, for example tool_called.")
@click.option("--payload", metavar="JSON|-", help="Any JSON value; '-' reads it from stdin.")
@click.option("--seq", type=int, metavar="N", help="The event's number; else the next.")
@click.option("--timestamp", metavar="TIME", help="RFC 3339, with an offset; else now.")
@click.pass_obj
def append(
    session: Session,
    *,
    run: str,
    kind: str,
    payload: str | None,
    seq: int | None,
    timestamp: str | None,
) -> None:
    """Append one event to a run.

    It is on disk when the command ends. The same event under the same --seq is stored
    once. JSON: {run_id, seq}.
    """
    from aivcs.domain.events import RunEvent
    from aivcs.domain.moment import parse

    when = None if timestamp is None else parse(timestamp)
    event = RunEvent(seq, kind, inputs.payload(payload), when)
    with session.open() as repo:
        run_id = repo.find.run(run)
        number = repo.runs.append_event(run_id, event)
    value = {"run_id": str(run_id), "seq": number}
    output.answer(session, value, lambda: output.write_lines([str(number)]))
