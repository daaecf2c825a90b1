"""The commands ``object list``, ``object stat`` and ``object delete``."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

import click

from aivcs.cli import output, views
from aivcs.cli.command import command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.cli.session import Session
    from aivcs.domain.digest import Digest
    from aivcs.services.objects import CasStore

_PAGE: Final = 1000


@command("list")
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help="At most so many.")
@click.pass_obj
def list_objects(session: Session, limit: int | None) -> None:
    """List the digests of the stored objects.

    In ascending order, 50 of them unless --limit or --json is given. JSON: [{digest}].
    """
    with session.open() as repo:
        wanted = limit if limit is not None or session.json else output.ROWS
        digests = _digests(repo.objects)
        rows = [str(digest) for digest in islice(digests, wanted)]
        left = 0 if session.json else sum(1 for _ in digests)
    output.answer(session, [{"digest": row} for row in rows], lambda: output.write_lines(rows))
    output.more(left, "--limit N shows more, --json all")


def _digests(objects: CasStore) -> Iterator[Digest]:
    after: Digest | None = None
    while page := objects.list(after, _PAGE):
        yield from page
        after = page[-1]


@command("stat")
@click.argument("digest")
@click.pass_obj
def stat(session: Session, digest: str) -> None:
    """Show an object's size and where it is kept.

    The bytes are not checked; 'object get' and 'verify' do that. JSON: {digest, size,
    codec, kept_in}.
    """
    with session.open() as repo:
        value = views.stored_object(repo.objects.stat(repo.find.object(digest)))
    output.answer(session, value, lambda: output.write_fields(value.items()))


@command("delete")
@click.argument("digests", nargs=-1, required=True, metavar="DIGEST...")
@click.option("--force", is_flag=True, help="Delete also what a run, spec or release needs.")
@click.pass_obj
def delete(session: Session, digests: tuple[str, ...], force: bool) -> None:
    """Remove objects that nothing needs.

    A pin does not keep an object from being deleted; one that is absent is no error. JSON:
    [{digest, deleted}].
    """
    rows: list[views.View] = []
    with session.open() as repo:
        for found in [repo.find.object(digest) for digest in digests]:
            there = repo.objects.contains(found)
            repo.objects.delete(found, force=force)
            rows.append({"digest": str(found), "deleted": there})
    lines = (f"{'deleted' if row['deleted'] else 'absent '}  {row['digest']}" for row in rows)
    output.answer(session, rows, lambda: output.write_lines(lines))
