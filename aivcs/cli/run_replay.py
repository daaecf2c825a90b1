"""The command ``run replay``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aivcs.cli import output, suggest, views
from aivcs.cli.command import command

if TYPE_CHECKING:
    from aivcs.cli.session import Session
    from aivcs.services.replaying import Replay


@command("replay")
@click.argument("run", shell_complete=suggest.runs)
@click.option(
    "--spec", metavar="SPEC", shell_complete=suggest.specs, help="Fail unless it is of this spec."
)
@click.pass_obj
def replay(session: Session, run: str, spec: str | None) -> None:
    """Read a run again: its digests, and what its events add up to.

    The replay digest is over all events with their times; the behaviour digest only over what
    they say, so runs that did the same have the same. JSON: {run_id, agent_name, status,
    event_count, replay_digest, behaviour_digest, spec_digest, execution: {id, tenant_id,
    state, reason, parent, steps, schema_version, started_at, ended_at, output, error,
    sequence}, passed_over}.
    """
    with session.open() as repo:
        run_id = repo.find.run(run)
        if spec is not None:
            repo.verify_spec_digest(run_id, repo.find.spec(spec))
        found = repo.replay(run_id)
    output.answer(session, views.replay(found), lambda: _write(found))


def _write(found: Replay) -> None:
    execution, summary = found.execution, found.summary
    waits = "" if execution.wait is None else f" for {execution.wait.value}"
    fields: list[tuple[str, object]] = [
        ("run", summary.run_id),
        ("state", f"{execution.state.value}{waits}"),
        ("events", summary.event_count),
        ("replay digest", str(summary.replay_digest)),
        ("behaviour digest", str(summary.behaviour_digest)),
    ]
    if execution.steps:
        fields.append(("steps", len(execution.steps)))
    if found.passed_over:
        fields.append(("passed over", output.counted(found.passed_over, "event")))
    output.write_fields(fields)
    if execution.steps:
        output.write_table(
            (
                ("step", lambda view: view["id"]),
                ("state", lambda view: view["state"]),
                ("type", lambda view: view["step_type"]),
                ("name", lambda view: view["name"]),
                ("ms", lambda view: view["duration_ms"]),
            ),
            [step.to_dict() for step in execution.steps.values()],
        )
