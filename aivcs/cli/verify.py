"""The command ``verify``."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import click

from aivcs.cli import inputs, output, progress, views
from aivcs.cli.command import PATH, command
from aivcs.domain.report import UNREADABLE, Depth, Severity
from aivcs.errors import CorruptionError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.cli.session import Session
    from aivcs.domain.report import Problem, Report


_ROOT: Final = re.compile("[0-9]+:[0-9a-f]{64}")
_MAX_SAVED: Final = 2**30


def _percent(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """Read a number with or without a percent sign."""
    if value is None:
        return None
    try:
        return float(value.removesuffix("%"))
    except ValueError:
        msg = f"{value!r} is not a share like 5%"
        raise click.BadParameter(msg, ctx, param) from None


@command("verify")
@click.option("--objects", is_flag=True, help="Only the objects.")
@click.option("--runs", is_flag=True, help="Only the runs and their events.")
@click.option("--releases", is_flag=True, help="Only the releases and their specs.")
@click.option("--structure", is_flag=True, help="Read no content: rows, footers and sizes only.")
@click.option("--sample", callback=_percent, metavar="P%", help="Read so much of the content.")
@click.option("--within", type=float, metavar="SECONDS", help="Read what this time allows.")
@click.option("--seed", type=int, default=0, help="Choose another sample.  [default: 0]")
@click.option("--resume", is_flag=True, help="Go on where it was interrupted.")
@click.option("--incremental", is_flag=True, help="Read what the logs got since the last time.")
@click.option("--save", metavar="FILE", type=PATH, help="Write what the logs hold into a file.")
@click.option("--against", metavar="FILE|ROOT", help="The logs must still hold what FILE says.")
@click.pass_obj
def verify(
    session: Session,
    *,
    objects: bool,
    runs: bool,
    releases: bool,
    structure: bool,
    sample: float | None,
    within: float | None,
    seed: int,
    resume: bool,
    incremental: bool,
    save: str | None,
    against: str | None,
) -> int:
    """Read and check everything that is stored.

    Exit status 6 when something is damaged or missing; else 7 when something could not be
    read, and may be sound: problems of kind unreadable name the files and what is in them.
    The first three flags name parts and may be combined. A log that was cut off, or a ledger that
    was set back to an older copy, is sound in itself: --save what it holds to another place, and
    verify --against that: FILE is what --save wrote, a checkpoint of a public log, or a proof,
    which has one; ROOT is SIZE:ROOT of the seals alone, as in the JSON. --incremental trusts
    what an earlier verification saw, and leaves out objects.

    JSON: {ok, checked: {objects, runs, events, releases}, problems: [{kind, id, detail,
    severity, breaks}], depth, complete, seals}; depth is bytes, sample or structure, complete
    tells whether all was read that it asks for, and seals, of a whole verification, is {size,
    root}: how many runs have ended, and the root over their seals.
    """
    known = None if against is None else _known(against)
    every = not (objects or runs or releases)
    partial = structure or incremental or sample is not None or within is not None
    with (
        session.open() as repo,
        _hinting(resumable=(objects or every) and not partial),
        progress.counting("checked") as advance,
    ):
        report = repo.verify(
            objects=objects or every,
            runs=runs or every,
            releases=releases or every,
            structure=structure,
            sample=sample,
            within=within,
            seed=seed,
            resume=resume,
            incremental=incremental,
            against=known,
            save=save,
            advance=advance,
        )
    output.answer(session, views.report(report), lambda: _write(report))
    if report.ok and not session.json:
        if against is not None:
            output.note(f"the logs still hold what {against} says")
        if save is not None:
            output.note(f"what the logs hold is saved in {save}")
    if report.damaged:
        return CorruptionError.exit_code
    return 0 if report.ok else StorageError.exit_code


@contextmanager
def _hinting(*, resumable: bool) -> Iterator[None]:
    """Say to whoever interrupts that what was read need not be read again."""
    try:
        yield
    except KeyboardInterrupt as error:
        hint = ("'aivcs verify --resume' goes on from here",) if resumable else ()
        raise KeyboardInterrupt(*hint) from error


def _known(text: str) -> str:
    """Read what was saved: a file, or the seals alone."""
    root = _ROOT.fullmatch(text)
    return text if root else inputs.read(text, _MAX_SAVED).decode(errors="replace")


def _write(report: Report) -> None:
    shown = report.problems[: output.ROWS]
    output.write_lines(map(_line, shown))
    output.more(len(report.problems) - len(shown), "--json has all")
    checked = ", ".join(
        output.counted(count, what.removesuffix("s")) for what, count in report.checked.items()
    )
    read = {Depth.STRUCTURE: " without their content", Depth.SAMPLE: " (a sample)"}
    part = "" if report.depth is Depth.SAMPLE and report.complete else read.get(report.depth, "")
    word = "ok:" if report.ok else _verdict(report)
    part += " (resumed)" if report.resumed else ""
    if report.ok and not report.complete and not any(report.checked.values()):
        output.write_lines(["nothing was read: the time was too short"])
        return
    output.write_lines([f"{word} checked {checked}{part}"])
    if report.damaged:
        output.note("hint: 'aivcs repair' heals what has a second copy")
    if any(one.kind == UNREADABLE for one in report.problems):
        output.note("hint: check permissions and the disk; what cannot be read may be sound")
    if any(one.kind == "log" for one in report.problems):
        output.note("hint: 'aivcs publish --rebuild' writes what is published anew")


def _verdict(report: Report) -> str:
    hidden = sum(one.kind == UNREADABLE for one in report.problems)
    if not report.damaged:
        return f"UNREADABLE: {output.counted(hidden, 'finding')};"
    bad = sum(one.severity is Severity.ERROR for one in report.problems) - hidden
    more = f", {hidden} unreadable" if hidden else ""
    return f"DAMAGED: {output.counted(bad, 'error')}{more};"


def _line(problem: Problem) -> str:
    if problem.kind == UNREADABLE:
        return f"unreadable: {problem.detail}"
    return f"{problem.severity.value}: {_named(problem)}"


def _named(problem: Problem) -> str:
    """Return the sentence of a problem, with the id in front where it does not begin with it."""
    name = f"{problem.kind} {problem.id}"
    return problem.detail if problem.detail.startswith(name) else f"{name}: {problem.detail}"
