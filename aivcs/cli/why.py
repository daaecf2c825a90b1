"""The command ``why``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aivcs.cli import output
from aivcs.cli.command import command

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aivcs.cli.session import Session
    from aivcs.cli.views import View
    from aivcs.domain.usage import Explanation, Reason


@command("why")
@click.argument("digest")
@click.pass_obj
def why(session: Session, digest: str) -> None:
    """Say what keeps an object from being collected.

    DIGEST is whole or a unique beginning. JSON: {digest, stored, kept, reasons: [{kind, id,
    detail}], let_go: [{kind, id, detail}]}; let_go has the expired runs that needed it.
    """
    with session.open() as repo:
        found = repo.why(repo.find.object(digest))
    value = {
        "digest": str(found.digest),
        "stored": found.stored,
        "kept": found.kept,
        "reasons": _views(found.reasons),
        "let_go": _views(found.let_go),
    }
    output.answer(session, value, lambda: output.write_lines(_lines(found)))


def _views(reasons: Sequence[Reason]) -> list[View]:
    return [{"kind": one.kind, "id": one.id, "detail": one.detail} for one in reasons]


def _lines(found: Explanation) -> Iterator[str]:
    shown = found.reasons[: output.ROWS]
    if not found.stored:
        yield f"{found.digest} is not stored"
    elif not found.kept:
        yield f"nothing keeps {found.digest}; 'aivcs gc' removes it"
    for reason in shown:
        yield reason.detail
    if len(found.reasons) > len(shown):
        yield f"and {len(found.reasons) - len(shown)} more; --json lists all"
    for reason in found.let_go[: output.ROWS]:
        yield f"no longer kept as {reason.detail}: the run has expired"
