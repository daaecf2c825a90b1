"""The command ``du``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from aivcs.cli import output, progress
from aivcs.cli.command import command
from aivcs.domain.diskuse import By

if TYPE_CHECKING:
    from aivcs.cli.session import Session
    from aivcs.cli.views import View
    from aivcs.domain.diskuse import DiskUse

_TIERS: Final[tuple[output.Column, ...]] = (
    ("tier", lambda view: view["name"]),
    ("objects", lambda view: view["objects"]),
    ("size", lambda view: view["size"]),
)
_SHARES: Final[tuple[output.Column, ...]] = (
    ("objects", lambda view: view["objects"]),
    ("size", lambda view: view["size"]),
    ("shared", lambda view: view["shared"]),
    ("of", lambda view: view["name"]),
)


@command("du")
@click.option(
    "--by", type=click.Choice([by.value for by in By]), help="Say also who needs how much."
)
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help="At most so many rows.")
@click.pass_obj
def du(session: Session, by: str | None, limit: int | None) -> None:
    """Show how much of the disk what takes.

    Bytes are those on disk; an object in a pack takes its part of the pack. With --by an
    object that several need counts for each of them, and as shared; in the tiers and the
    total it counts once. JSON: {objects, bytes, tiers: {hot, sealed, large: {objects,
    bytes}}, files: {ledger, packs, large}, dead_bytes, by, shares: [{name, objects, bytes,
    shared}]}.
    """
    with session.open() as repo, progress.counting("objects") as advance:
        found = repo.du(None if by is None else By(by), advance=advance)
    output.answer(session, _view(found, limit), lambda: _write(found, limit))


def _view(found: DiskUse, limit: int | None) -> View:
    return {
        "objects": found.total.objects,
        "bytes": found.total.bytes,
        "tiers": {
            tier: {"objects": amount.objects, "bytes": amount.bytes}
            for tier, amount in found.tiers.items()
        },
        "files": {"ledger": found.ledger, "packs": found.packs, "large": found.large},
        "dead_bytes": found.dead,
        "by": None if found.by is None else found.by.value,
        "shares": [
            {"name": one.name, "objects": one.objects, "bytes": one.bytes, "shared": one.shared}
            for one in found.shares[:limit]
        ],
    }


def _write(found: DiskUse, limit: int | None) -> None:
    amounts = {**found.tiers, "total": found.total}
    output.write_table(
        _TIERS,
        [
            {"name": name, "objects": amount.objects, "size": output.size(amount.bytes)}
            for name, amount in amounts.items()
        ],
    )
    output.write_lines([""])
    output.write_fields(
        [
            ("ledger", output.size(found.ledger)),
            ("packs", f"{output.size(found.packs)}, of which {output.size(found.dead)} dead"),
            ("large files", output.size(found.large)),
        ]
    )
    if found.by is None:
        return
    output.write_lines([""])
    shown = found.shares[: output.ROWS if limit is None else limit]
    rows: list[View] = [
        {
            "name": one.name,
            "objects": one.objects,
            "size": output.size(one.bytes),
            "shared": output.size(one.shared),
        }
        for one in shown
    ]
    output.write_table(_SHARES, rows)
    output.more(len(found.shares) - len(shown), "--limit N shows more, --json all")
