"""The command ``run record``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from aivcs.cli import failures, inputs, output, run_text, suggest, views
from aivcs.cli.command import PATH, command

if TYPE_CHECKING:
    from aivcs.cli.session import Session
    from aivcs.domain.spec import AgentSpec
    from aivcs.repo import Repo
    from aivcs.services.importing import Imported
    from aivcs.services.wrapping import Outcome

ENDS = ("completed", "failed", "cancelled")
_LEASE_SECONDS = 30.0
_HOW_TO_START = "give a program on PATH or the path of an executable; words of a shell: sh -c '...'"


@command("record", context_settings={"allow_interspersed_args": False})
@click.option("--agent", metavar="NAME", shell_complete=suggest.agents, help="Who ran.")
@click.option("--spec", metavar="SPEC", shell_complete=suggest.specs, help="What it consists of.")
@click.option("--tag", "tags", metavar="K=V", multiple=True, help="A tag of the run; may repeat.")
@click.option(
    "--events", metavar="FILE|-", type=PATH, help="Record the finished runs of this file."
)
@click.option(
    "--format",
    "format_name",
    metavar="NAME",
    default="auto",
    show_default=True,
    shell_complete=suggest.formats,
    help="The format of --events.",
)
@click.option(
    "--state", metavar="FILE", type=PATH, help="The agent's final state, stored as an object."
)
@click.option(
    "--status",
    type=click.Choice(ENDS, case_sensitive=False),
    help="How the run ended, where that should not decide itself.",
)
@click.option(
    "--lease", is_flag=True, help="Let nobody write to the run but COMMAND and what it starts."
)
@click.argument("argv", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND [ARG]...]")
@click.pass_obj
def record(
    session: Session,
    *,
    agent: str | None,
    spec: str | None,
    tags: tuple[str, ...],
    events: str | None,
    format_name: str,
    state: str | None,
    status: str | None,
    lease: bool,
    argv: tuple[str, ...],
) -> int:
    """Record a command, or a finished run.

    With COMMAND: run it and record its output, its exit status and the events that it
    appends to the file named in AIVCS_EVENTS, as they come. The exit status is the
    command's own; under --json its output goes to stderr. With --lease the run is owned
    while the command runs, and 'run append' works only inside of it (AIVCS_RUN_LEASE); when
    this process dies, 'run reap' fails the run half a minute later.

    With --events: record the runs of a file, all or none. Trajectories of known formats
    are recognised. Recording the same file again changes nothing, and warns of what is
    said otherwise now.

    Without --spec a trajectory's own words make one, else the current release of --agent
    counts, else the agent's folder one stands in. JSON: {run_id, agent, spec_digest,
    status, total_events, duration_ms, final_state_digest, root}, for several runs {runs:
    [...]}; already_recorded is true where it applies.
    """
    if (events is None) == (not argv):
        msg = "give either --events FILE or -- COMMAND"
        raise click.UsageError(msg, click.get_current_context())
    if state == events == inputs.STDIN:
        msg = "stdin can be read only once"
        raise click.UsageError(msg, click.get_current_context())
    if lease and not argv:
        msg = "--lease is about -- COMMAND"
        raise click.UsageError(msg, click.get_current_context())
    from aivcs.services.runs import read_status

    end = None if status is None else read_status(status)
    pairs = inputs.tags(tags)
    if events is None:
        with session.open() as repo:
            against = _spec(repo, spec) or _choose(repo, agent)
            outcome = repo.command(
                argv,
                spec=against,
                agent=agent or against.name,
                tags=pairs,
                status=end,
                state=None if state is None else Path(state),
                lease=_LEASE_SECONDS if lease else None,
                stdout=2 if session.json else 1,
                warn=_warn,
            )
        _answer_command(session, outcome)
        return outcome.exit_status
    from aivcs.services.importing import Wanted
    from aivcs.trajectories import MAX_SOURCE

    data = inputs.read(events, MAX_SOURCE)
    final = None if state is None else inputs.read(state, MAX_SOURCE)
    wanted = Wanted(format=format_name, agent=agent, tags=pairs, status=end, final_state=final)
    with session.open() as repo:
        imported = repo.importer.record(
            data,
            wanted,
            spec=_spec(repo, spec),
            default_spec=lambda name: _choose(repo, name),
            name=inputs.STDIN_NAME if events == inputs.STDIN else events,
        )
    _answer_file(session, imported)
    return 0


def _answer_command(session: Session, outcome: Outcome) -> None:
    run = outcome.run
    if session.json:
        output.write_json(views.run_outcome(run))
    else:
        why = f" ({run.reason})" if run.reason else ""
        events = output.counted(run.total_events, "event")
        output.note(f"recorded run {run.run_id}: {run.status}{why}, {events}")
    if outcome.not_started:
        failure = failures.Failure(
            outcome.exit_status, "not_started", outcome.not_started, _HOW_TO_START
        )
        failures.say(failure, as_json=session.json)


def _answer_file(session: Session, imported: Imported) -> None:
    for warning in imported.warnings:
        _warn(warning)
    runs = [views.run_outcome(run) for run in imported.runs]
    value: views.View = runs[0] if len(runs) == 1 else {"runs": list(runs)}
    if not imported.new:
        value["already_recorded"] = True
        output.note("already recorded; nothing was changed")
    if len(runs) == 1:
        output.answer(session, value, lambda: run_text.write_run(runs[0]))
    else:
        output.answer(session, value, lambda: run_text.write_runs(runs))


def _spec(repo: Repo, spec: str | None) -> AgentSpec | None:
    return None if spec is None else repo.specs.get(repo.find.spec(spec))


def _choose(repo: Repo, agent: str | None) -> AgentSpec:
    from aivcs.services.choosing import choose_spec

    def made(spec: AgentSpec) -> None:
        output.note(f"recording against spec {spec.digest.short()} ({spec.name}), made from here")

    return choose_spec(repo.specs, repo.releases, agent=agent, folder=Path.cwd(), made=made)


def _warn(text: str) -> None:
    output.note(f"warning: {text}")
