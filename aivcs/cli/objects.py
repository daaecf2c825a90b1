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
_WINDOW: Final = 200


@command("list")
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help="At most so many.")
@click.pass_obj
def list_objects(session: Session, limit: int | None) -> None:
    """List the digests of the stored objects.

    In ascending order, 50 of them unless --limit or --json is given, also into a pipe or a
    file; stderr tells how many are left out. JSON: [{digest, size, kept_in}].
    """
    with session.open() as repo:
        digests = _digests(repo.objects)
        if session.json:
            output.write_json(list(_placed(repo.objects, islice(digests, limit))))
            return
        output.write_lines(map(str, islice(digests, output.ROWS if limit is None else limit)))
        left = sum(1 for _ in digests)
    output.more(left, "--limit N shows more, --json all")


def _digests(objects: CasStore) -> Iterator[Digest]:
    after: Digest | None = None
    while page := objects.list(after, _PAGE):
        yield from page
        after = page[-1]


def _placed(objects: CasStore, digests: Iterator[Digest]) -> Iterator[views.View]:
    while some := list(islice(digests, _WINDOW)):
        found = objects.stat_many(some)
        for digest in some:
            if digest in found:
                stored = found[digest]
                yield {
                    "digest": str(digest),
                    "size": stored.size,
                    "kept_in": stored.tier.value,
                }


@command("stat")
@click.argument("digest")
@click.pass_obj
def stat(session: Session, digest: str) -> None:
    """Show an object's size and where it is kept.

    It is kept as a row of the ledger ('hot'), in a pack ('sealed') or in a file of its own
    ('large'). The bytes are not checked; 'object get' and 'verify' do that. JSON: {digest,
    size, codec, kept_in, pack}.
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

    One after the other: those before one that is needed are gone, and are printed. Neither a
    pin nor a process that has stored an object and not named it yet keeps it from being
    deleted; one that is absent is no error. JSON: [{digest, deleted}].
    """
    rows: list[views.View] = []

    def tell() -> None:
        lines = (f"{'deleted' if row['deleted'] else 'absent '}  {row['digest']}" for row in rows)
        output.answer(session, rows, lambda: output.write_lines(lines))

    with session.open() as repo:
        found = [repo.find.object(digest) for digest in digests]
        try:
            for one in found:
                there = repo.objects.contains(one)
                repo.objects.delete(one, force=force)
                rows.append({"digest": str(one), "deleted": there})
        except BaseException:
            if rows:
                tell()
            raise
    tell()
