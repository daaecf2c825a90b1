"""The command ``gc``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from aivcs.cli import output, progress
from aivcs.cli.command import command
from aivcs.errors import CorruptionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.cli.session import Session
    from aivcs.cli.views import View
    from aivcs.domain.collection import Collected

_SHOWN: Final = 50


@command("gc")
@click.option("--dry-run", is_flag=True, help="Say what would go, and why; change nothing.")
@click.option("--full", is_flag=True, help="Rewrite packs for every dead byte.")
@click.pass_obj
def gc(session: Session, dry_run: bool, full: bool) -> int:
    """Remove what nothing needs.

    An object is needed by a run, a spec, a release or a pin; what a live process stored is
    left until it closes the repository. A pack is rewritten when a fifth of it is dead.
    Retention rules of config.toml are applied first. Exit status 6, and nothing removed,
    when nobody can tell what a spec needs. JSON: {dry_run, full, objects, bytes,
    packs_rewritten, packs_dropped, files, freed_on_disk, kept: {held, bytes, by}, expired,
    removed: [{id, bytes, why}], problems}; removed only with --dry-run.
    """
    with session.open() as repo, progress.counting("looked at") as advance:
        found = repo.gc(dry_run=dry_run, full=full, advance=advance)
    output.answer(session, _view(found), lambda: _write(found))
    return 0 if found.ok else CorruptionError.exit_code


def _view(found: Collected) -> View:
    from aivcs.cli import views

    return {
        "dry_run": found.dry_run,
        "full": found.full,
        "objects": found.objects,
        "bytes": found.bytes,
        "packs_rewritten": found.packs_rewritten,
        "packs_dropped": found.packs_dropped,
        "files": found.files,
        "freed_on_disk": found.freed_on_disk,
        "kept": {
            "held": found.held.objects,
            "bytes": found.held.bytes,
            "by": list(found.held.by),
        },
        "expired": list(found.expired),
        "removed": [
            {"id": one.id, "bytes": one.bytes, "why": one.why.value} for one in found.removed
        ],
        "problems": views.report(found)["problems"],
    }


def _write(found: Collected) -> None:
    for problem in found.problems:
        output.note(f"{problem.severity.value}: {problem.kind} {problem.id}: {problem.detail}")
    output.write_lines(
        f"would go: {one.id}  {output.size(one.bytes)}  {one.why.value}"
        for one in found.removed[:_SHOWN]
    )
    output.more(len(found.removed) - _SHOWN, "--json lists all")
    output.write_lines([*_lines(found)] or ["nothing to remove"])


def _lines(found: Collected) -> Iterator[str]:
    would = "would be " if found.dry_run else ""
    if found.expired:
        what = "the log is kept, artifacts and states are not"
        yield f"{output.counted(len(found.expired), 'run')} {would}expired: {what}"
    if found.objects:
        what = f"{output.counted(found.objects, 'object')} of {output.size(found.bytes)}"
        yield f"{what} {would}removed"
    for count, word, done in (
        (found.packs_rewritten, "pack", "rewritten"),
        (found.packs_dropped, "pack", "dropped"),
        (found.files, "stray file", "removed"),
    ):
        if count:
            yield f"{output.counted(count, word)} {would}{done}"
    if found.freed_on_disk:
        yield f"{output.size(found.freed_on_disk)} freed on disk"
    if found.held.objects:
        held = f"{output.counted(found.held.objects, 'object')} of {output.size(found.held.bytes)}"
        yield f"{held} left for {', '.join(found.held.by) or 'a live process'}"
