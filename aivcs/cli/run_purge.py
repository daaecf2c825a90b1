"""The command ``run purge``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aivcs.cli import output, suggest
from aivcs.cli.command import command

if TYPE_CHECKING:
    from aivcs.cli.session import Session
    from aivcs.cli.views import View
    from aivcs.services.erasing import Purged


@command("purge")
@click.argument("run", shell_complete=suggest.runs)
@click.option(
    "--seq", "seqs", type=int, multiple=True, metavar="N", help="Only this event; may repeat."
)
@click.option("--files", is_flag=True, help="Let go of its source, artifacts and states, too.")
@click.pass_obj
def purge(session: Session, run: str, seqs: tuple[int, ...], *, files: bool) -> None:
    """Erase what an ended run's events say.

    Seq, kind, times and a commitment to each body remain, so that 'verify' can still prove
    what was there and where. A long body is an object: 'gc --full' removes its bytes when
    nothing else needs them. Copies and exports elsewhere are yours to remove. JSON: {run_id,
    erased, before, objects, kept, traces, files}: how many bodies went now and how many were
    gone before, which of them wait for 'gc --full', which something else needs, whether the
    ledger's log or the state store still has them, and whether the run keeps what is no event.
    """
    with session.open() as repo:
        done = repo.runs.purge(repo.find.run(run), seqs or None, files=files)
    output.answer(session, _view(done), lambda: _write(done))
    if done.traces:
        output.note("warning: old bytes stay in the ledger's log, or in the state store's file")
        output.note("hint: purge again when no other program reads them")


def _view(done: Purged) -> View:
    return {
        "run_id": done.run_id,
        "erased": done.erased,
        "before": done.before,
        "objects": [str(digest) for digest in done.objects],
        "kept": [str(digest) for digest in done.kept],
        "traces": done.traces,
        "files": done.files,
    }


def _write(done: Purged) -> None:
    before = f" ({done.before} were gone before)" if done.before else ""
    bodies = "1 body" if done.erased == 1 else f"{done.erased} bodies"
    output.write_lines([f"erased {bodies} of run {done.run_id}{before}"])
    if done.objects:
        of = output.counted(len(done.objects), "object")
        output.note(f"{of} held bodies: 'aivcs gc --full' removes the bytes")
    if done.kept:
        of = output.counted(len(done.kept), "object")
        output.note(f"{of} held bodies and stay: 'aivcs why DIGEST' says what needs them")
    if done.files:
        output.note("its source, artifacts, checkpoints and states stay; --files lets them go")
