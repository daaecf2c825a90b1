"""The command ``object put``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aivcs.cli import inputs, output, progress
from aivcs.cli.command import PATH, command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    from aivcs.cli.session import Session


@command("put")
@click.argument("files", nargs=-1, metavar="FILE...|-", type=PATH)
@click.option(
    "--paths-from", metavar="FILE|-", type=PATH, help="Read the files' paths from FILE, one a line."
)
@click.pass_obj
def put(session: Session, files: tuple[str, ...], paths_from: str | None) -> None:
    """Store files and pin them; print their digests.

    '-' stores what comes in on stdin. Pinned objects stay until 'object delete'. Nothing is
    stored when one of the files cannot be read. JSON: [{digest, size, path}].
    """
    names = [*files, *(inputs.paths(paths_from) if paths_from is not None else ())]
    if not names and paths_from is None:
        msg = "nothing to store: name files, '-' for stdin, or --paths-from"
        raise click.UsageError(msg, click.get_current_context())
    if [*names, paths_from].count(inputs.STDIN) > 1:
        msg = "stdin can be read only once"
        raise click.UsageError(msg, click.get_current_context())
    for name in names:
        if name != inputs.STDIN:
            inputs.check_readable(name)
    with session.open() as repo, progress.counting("read", len(names)) as advance:
        digests = repo.objects.put_many(_contents(names, advance), pin=True)
        rows = [
            {"digest": str(digest), "size": repo.objects.stat(digest).size, "path": name}
            for digest, name in zip(digests, names, strict=True)
        ]
    lines = (f"{row['digest']}  {row['path']}" for row in rows)
    output.answer(session, rows, lambda: output.write_lines(lines))


def _contents(names: list[str], advance: Callable[[], None]) -> Iterator[Path | BinaryIO]:
    for name in names:
        yield sys.stdin.buffer if name == inputs.STDIN else Path(name)
        advance()
