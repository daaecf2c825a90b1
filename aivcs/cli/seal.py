"""The command ``seal``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aivcs.cli import output, progress, views
from aivcs.cli.command import command
from aivcs.errors import CorruptionError

if TYPE_CHECKING:
    from aivcs.cli.session import Session
    from aivcs.domain.sealed import Sealed


@command("seal")
@click.option("--auto", is_flag=True, help="Only when it pays, and nobody else is at upkeep.")
@click.pass_obj
def seal(session: Session, auto: bool) -> int:
    """Move small objects into packs, to take less room.

    Safe beside everything else, and at any interruption; the next call goes on. A command
    that wrote starts it by itself in the background when many objects wait; '[seal]' in
    config.toml sets how many. Exit status 6 when a damaged object stayed where it was; the
    others have moved. JSON: {objects, packs, bytes_before, bytes_after, damaged, busy}.
    """
    with session.open() as repo, progress.counting("sealed") as advance:
        sealed = repo.seal(auto=auto, advance=advance)
    output.answer(session, views.sealed(sealed), lambda: _write(sealed))
    return CorruptionError.exit_code if sealed.damaged else 0


def _write(sealed: Sealed) -> None:
    if sealed.busy:
        output.write_lines(["nothing done: another process seals, collects or repairs"])
        return
    objects = output.counted(sealed.objects, "object")
    packs = output.counted(sealed.packs, "pack")
    before, after = output.size(sealed.bytes_before), output.size(sealed.bytes_after)
    moved = f"{objects} moved into {packs}: {before} became {after}"
    lines = [moved if sealed.objects else "no small object waits to be sealed"]
    if sealed.damaged:
        damaged = output.counted(sealed.damaged, "damaged object")
        lines.append(f"{damaged} stayed; 'aivcs verify' tells which")
    output.write_lines(lines)
