"""The command ``object put``."""

from __future__ import annotations

import sys
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

    '-' stores what comes in on stdin. Pinned objects stay until 'object unpin' or 'object
    delete'. Nothing is stored when one of the named FILEs cannot be read; where one of those
    that --paths-from lists cannot, some of those before it are stored. JSON: [{digest, size,
    path}].

    In the list of --paths-from a line is a path as it stands: empty lines are passed over,
    and a carriage return before the line's end belongs to the path.
    """
    names = [*files, *(inputs.paths(paths_from) if paths_from is not None else ())]
    if not names and paths_from is None:
        msg = "nothing to store: name files, '-' for stdin, or --paths-from"
        raise click.UsageError(msg, click.get_current_context())
    if [*names, paths_from].count(inputs.STDIN) > 1:
        msg = "stdin can be read only once"
        raise click.UsageError(msg, click.get_current_context())
    for name in files:
        if name != inputs.STDIN:
            inputs.check_readable(name)
    with session.open() as repo, progress.counting("read", len(names)) as advance:
        if inputs.STDIN in names:
            digests = repo.objects.put_many(_contents(names, advance), pin=True)
        else:
            digests = repo.put_files(names, pin=True, advance=advance)
        sizes = repo.objects.sizes(digests) if session.json else {}
    pairs = list(zip(digests, names, strict=True))
    if session.json:
        output.write_json([{"digest": str(d), "size": sizes[d], "path": name} for d, name in pairs])
    else:
        output.write_lines(f"{digest}  {name}" for digest, name in pairs)


def _contents(
    names: list[str], advance: Callable[[], None]
) -> Iterator[inputs.FilePath | BinaryIO]:
    for name in names:
        yield sys.stdin.buffer if name == inputs.STDIN else inputs.FilePath(name)
        advance()
