"""The command ``verify``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aivcs.cli import output, progress, views
from aivcs.cli.command import command
from aivcs.errors import CorruptionError

if TYPE_CHECKING:
    from aivcs.cli.session import Session
    from aivcs.domain.report import Report


@command("verify")
@click.option("--objects", is_flag=True, help="Only the objects.")
@click.option("--runs", is_flag=True, help="Only the runs and their events.")
@click.option("--releases", is_flag=True, help="Only the releases and their specs.")
@click.pass_obj
def verify(session: Session, objects: bool, runs: bool, releases: bool) -> int:
    """Read and check everything that is stored.

    Exit status 6 when something is damaged or missing. The flags name parts and may be
    combined. JSON: {ok, checked: {objects, runs, events, releases}, problems: [{kind, id,
    detail, severity}]}.
    """
    every = not (objects or runs or releases)
    with session.open() as repo, progress.counting("checked") as advance:
        report = repo.verify(
            objects=objects or every,
            runs=runs or every,
            releases=releases or every,
            advance=advance,
        )
    output.answer(session, views.report(report), lambda: _write(report))
    return 0 if report.ok else CorruptionError.exit_code


def _write(report: Report) -> None:
    for problem in report.problems:
        output.write_lines(
            [f"{problem.severity.value}: {problem.kind} {problem.id}: {problem.detail}"]
        )
    checked = ", ".join(
        output.counted(count, what.removesuffix("s")) for what, count in report.checked.items()
    )
    output.write_lines([f"{'ok' if report.ok else 'DAMAGED'}: checked {checked}"])
