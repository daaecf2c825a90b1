"""The command ``object get``."""

from __future__ import annotations

import errno
import os
import stat
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

import click

from aivcs.cli import output
from aivcs.cli.command import PATH, command
from aivcs.errors import InvalidInputError, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    from aivcs.cli.session import Session
    from aivcs.errors import AivcsError

_PIECE: Final = 2**20
_FAILED: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""What the system says of the disk. All else it says of the path, which the caller chose."""


@command("get")
@click.argument("digest")
@click.option(
    "-o",
    "--output",
    "target",
    metavar="FILE",
    type=PATH,
    help="Write to FILE, whole or not at all.",
)
@click.pass_obj
def get(session: Session, digest: str, target: str | None) -> None:
    """Write an object's exact bytes.

    They go to stdout, or with -o to a file that appears when all of them are there. Every
    byte is checked before it is written. Killed meanwhile, -o leaves a file
    .NAME.PID.XXXXXXXX.part beside FILE, which may be removed. With -o, JSON: {digest, size,
    path}; without it --json changes only how a failure is told.
    """
    with session.open() as repo:
        found = repo.find.object(digest)
        with repo.objects.open(found) as source:
            if target is None or target == "-":
                with _told("standard output"):
                    sys.stdout.flush()
                    _copy(source, output.write_bytes)
                    sys.stdout.buffer.flush()
                return
            with _told(target), _placed(target) as file:
                size = _copy(source, file.write)
    value = {"digest": str(found), "size": size, "path": target}
    written = output.counted(size, "byte")
    output.answer(session, value, lambda: output.note(f"wrote {written} to {target}"))


def _copy(source: BinaryIO, write: Callable[[bytes], object]) -> int:
    size = 0
    while piece := source.read(_PIECE):
        write(piece)
        size += len(piece)
    return size


@contextmanager
def _told(path: str) -> Iterator[None]:
    """Tell of what cannot be written by the name that was given."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: str, error: OSError) -> AivcsError:
    msg = f"cannot write {path}: {error.strerror or error}"
    if error.errno in _FAILED:
        return StorageError(msg, hint="check the disk and its space, or name a file elsewhere")
    return InvalidInputError(msg, hint="name a file in a folder that you may write to")


@contextmanager
def _placed(path: str) -> Iterator[BinaryIO]:
    """Give a file beside ``path`` that takes its place at a clean end.

    What is no regular file (a device, a pipe) is written directly.
    """
    path = os.path.realpath(path)
    if os.path.exists(path) and not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH110, PTH116 - as typed
        with open(path, "wb") as file:  # noqa: PTH123
            yield file
        return
    folder, name = os.path.split(path)
    beside = os.path.join(folder, f".{name[:100]}.{_own()}.part")  # noqa: PTH118
    try:
        with open(beside, "xb") as file:  # noqa: PTH123
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)  # noqa: PTH105
    except BaseException:
        with suppress(OSError):
            os.unlink(beside)  # noqa: PTH108
        raise


def _own() -> str:
    # Not the process alone: in containers the next one often has the number of a killed one.
    return f"{os.getpid()}.{os.urandom(4).hex()}"
