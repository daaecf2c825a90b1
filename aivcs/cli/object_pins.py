"""The commands ``object pin`` and ``object unpin``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aivcs.cli import output
from aivcs.cli.command import command

if TYPE_CHECKING:
    from aivcs.cli.session import Session


@command("pin")
@click.argument("digests", nargs=-1, required=True, metavar="DIGEST...")
@click.pass_obj
def pin(session: Session, digests: tuple[str, ...]) -> None:
    """Keep objects from being collected.

    Pinned ones stay, whether anything needs them or not. All of them are pinned or, when
    one is absent, none. 'object delete' removes a pinned one all the same. JSON: [{digest,
    pinned}].
    """
    _change(session, digests, pinned=True)


@command("unpin")
@click.argument("digests", nargs=-1, required=True, metavar="DIGEST...")
@click.pass_obj
def unpin(session: Session, digests: tuple[str, ...]) -> None:
    """Let objects go that were pinned.

    'gc' removes what nothing else needs. One that is not pinned is no error. JSON: [{digest,
    pinned}].
    """
    _change(session, digests, pinned=False)


def _change(session: Session, digests: tuple[str, ...], *, pinned: bool) -> None:
    with session.open() as repo:
        found = [repo.find.object(digest) for digest in digests]
        if pinned:
            repo.objects.pin(found)
        else:
            repo.objects.unpin(found)
    rows = [{"digest": str(digest), "pinned": pinned} for digest in found]
    word = "pinned  " if pinned else "unpinned"
    output.answer(
        session, rows, lambda: output.write_lines(f"{word}  {digest}" for digest in found)
    )
