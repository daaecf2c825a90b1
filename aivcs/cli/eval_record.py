"""The command ``eval record``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aivcs.cli import eval_text, eval_views, inputs, output, suggest
from aivcs.cli.command import PATH, command

if TYPE_CHECKING:
    from aivcs.cli.session import Session


@command("record")
@click.argument("spec", shell_complete=suggest.specs)
@click.argument("file", type=PATH, metavar="FILE|-")
@click.option("--suite", metavar="NAME", help="The suite of all results, whatever FILE says.")
@click.option(
    "--format",
    "format_name",
    metavar="NAME",
    default="auto",
    show_default=True,
    shell_complete=suggest.evaluations,
    help="The format of FILE.",
)
@click.option("--agent", metavar="NAME", shell_complete=suggest.agents, help="Who was evaluated.")
@click.option("--tag", "tags", metavar="K=V", multiple=True, help="A tag of the run; may repeat.")
@click.pass_obj
def record(
    session: Session,
    *,
    spec: str,
    file: str,
    suite: str | None,
    format_name: str,
    agent: str | None,
    tags: tuple[str, ...],
) -> None:
    """Record the results of an evaluation as evidence for a spec.

    SPEC is a digest, its beginning, or a release such as NAME or NAME@1. FILE holds JUnit
    XML (pytest --junitxml FILE), results as JSON or JSON Lines, or trajectories that bear
    verdicts; its format is recognised. All results are recorded, or none. The same file
    again changes nothing. JSON: {spec_digest, suites, results, passed, skipped, runs:
    [{run_id, agent, spec_digest, status, total_events, duration_ms, final_state_digest,
    root}], already_recorded}.
    """
    from aivcs.trajectories import MAX_SOURCE

    pairs = inputs.tags(tags)
    data = inputs.read(file, MAX_SOURCE)
    with session.open() as repo:
        found = repo.evidence.record_file(
            repo.find.spec(spec),
            data,
            format=format_name,
            suite=suite,
            agent=agent,
            tags=pairs,
            name=inputs.STDIN_NAME if file == inputs.STDIN else file,
        )
    for warning in found.warnings:
        output.note(f"warning: {warning}")
    if not found.new:
        output.note("already recorded; nothing was changed")
    output.answer(session, eval_views.recording(found), lambda: eval_text.write_recording(found))
