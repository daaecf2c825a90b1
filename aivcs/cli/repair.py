"""The command ``repair``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aivcs.cli import output, progress
from aivcs.cli.command import command
from aivcs.errors import CorruptionError, StorageError

if TYPE_CHECKING:
    from aivcs.cli.session import Session
    from aivcs.cli.views import View
    from aivcs.domain.repair import Repaired


@command("repair")
@click.option("--from", "sources", metavar="DIR", multiple=True, help="Take copies from there.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and change nothing.")
@click.pass_obj
def repair(session: Session, sources: tuple[str, ...], dry_run: bool) -> int:
    """Mend what is damaged, with second copies.

    The index is made anew from the packs where it is damaged. Objects are healed from other
    files of the repository, or from those at --from, which may be given several times. The
    damaged bytes are kept in .aivcs/quarantine. Exit status 6 when damage is left, else 7 when
    something could not be read, and stays as it is. JSON: {ok, healed: [digest], unhealed:
    [{digest, detail, breaks}], quarantined: [file], discarded: [digest], rebuilt, dry_run,
    packs_rewritten, unreadable: [{id, detail, breaks}]}; discarded has damaged objects that
    nothing needed.
    """
    with session.open() as repo, progress.counting("repaired") as advance:
        found = repo.repair(sources, dry_run=dry_run, advance=advance)
    output.answer(session, _view(found), lambda: _write(found))
    if found.unhealed:
        return CorruptionError.exit_code
    return 0 if found.ok else StorageError.exit_code


def _view(found: Repaired) -> View:
    return {
        "ok": found.ok,
        "healed": [str(digest) for digest in found.healed],
        "unhealed": [
            {
                "digest": None if one.digest is None else str(one.digest),
                "detail": one.detail,
                "breaks": list(one.breaks),
            }
            for one in found.unhealed
        ],
        "quarantined": list(found.quarantined),
        "discarded": [str(digest) for digest in found.discarded],
        "rebuilt": found.rebuilt,
        "dry_run": found.dry_run,
        "packs_rewritten": found.packs_rewritten,
        "unreadable": [
            {"id": one.id, "detail": one.detail, "breaks": list(one.breaks)}
            for one in found.unreadable
        ],
    }


def _write(found: Repaired) -> None:
    shown = found.unhealed[: output.ROWS]
    output.write_lines(f"not healed: {one.detail}" for one in shown)
    output.more(len(found.unhealed) - len(shown), "--json has all")
    hidden = found.unreadable[: output.ROWS]
    output.write_lines(f"unreadable: {one.detail}" for one in hidden)
    output.more(len(found.unreadable) - len(hidden), "--json has all")
    would = "would be " if found.dry_run else ""
    shown_files = found.quarantined[: output.ROWS]
    output.write_lines(f"{would}set aside: {name}" for name in shown_files)
    output.more(len(found.quarantined) - output.ROWS, "--json has all")
    counts = (
        (len(found.healed), "object", "healed"),
        (len(found.discarded), "object", "discarded, as nothing needs them"),
        (found.rebuilt, "object", "found again in packs"),
        (found.packs_rewritten, "pack", "rewritten"),
    )
    done = [f"{output.counted(count, of)} {would}{what}" for count, of, what in counts if count]
    if found.quarantined and not done:
        done = [f"{output.counted(len(found.quarantined), 'file')} {would}set aside"]
    if found.ok:
        output.write_lines([f"ok: {', '.join(done) or 'nothing to repair'}"])
        return
    word = "DAMAGED" if found.unhealed else "UNREADABLE"
    if found.unhealed:
        done.append(f"{output.counted(len(found.unhealed), 'error')} left")
    if found.unreadable:
        done.append(output.counted(len(found.unreadable), "unreadable finding"))
    output.write_lines([f"{word}: {', '.join(done)}"])
    if found.unreadable:
        output.note("hint: check permissions and the disk; what cannot be read may be sound")
    if any(one.digest is not None for one in found.unhealed):
        output.note("hint: 'aivcs repair --from DIR' heals from a copy of the repository")
    if any(one.digest is None for one in found.unhealed):
        output.note("hint: the ledger is damaged itself; restore aivcs.db from a copy")
