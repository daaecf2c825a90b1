"""Where an object's bytes come from: memory, a file by its path, or an open binary file."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, TypeAlias

from aivcs.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    class Readable(Protocol):
        """What a binary file has."""

        def read(self, size: int, /) -> object:
            """Return up to ``size`` bytes, none at the end."""
            ...


Content: TypeAlias = "bytes | bytearray | memoryview | os.PathLike[str] | BinaryIO"

_FIRST_PIECE: Final = 64 * 2**10
_PIECE: Final = 2**20


@contextmanager
def pieces_of(content: Content) -> Iterator[Iterator[bytes]]:
    """Give the bytes of ``content`` in pieces: the first of 64 KiB at most, then of 1 MiB.

    A binary file is read from where it stands and stays open. Raises InvalidInputError
    for text and other types, and for a path or file that cannot be read, naming it.
    """
    if isinstance(content, bytes | bytearray | memoryview):
        yield _slices(content)
    elif isinstance(content, os.PathLike):
        with _opened(content) as file:
            yield _reads(file, os.fspath(content))
    elif callable(getattr(content, "read", None)):
        yield _reads(content, str(getattr(content, "name", "the given file")))
    else:
        msg = f"an object is made of bytes, a path or a binary file, not {type(content).__name__}"
        raise InvalidInputError(msg, hint="encode text with .encode(); wrap a path in Path(...)")


def _slices(content: bytes | bytearray | memoryview) -> Iterator[bytes]:
    if isinstance(content, memoryview) and not content.c_contiguous:
        content = content.tobytes()
    with memoryview(content) as whole, whole.cast("B") as view:
        for start in range(0, view.nbytes, _PIECE):
            yield bytes(view[start : start + _PIECE])


@contextmanager
def _opened(path: os.PathLike[str]) -> Iterator[Readable]:
    try:
        file = Path(os.fsdecode(path)).open("rb", buffering=0)  # noqa: SIM115 - closed below
    except (OSError, ValueError) as error:
        raise _unreadable(os.fspath(path), error) from error
    with file:
        yield file


def _reads(file: Readable, name: str) -> Iterator[bytes]:
    size = _FIRST_PIECE
    while True:
        try:
            piece = file.read(size)
        except (OSError, ValueError) as error:
            raise _unreadable(name, error) from error
        if not isinstance(piece, bytes):
            msg = f"{name} gives {type(piece).__name__} where bytes are needed"
            raise InvalidInputError(msg, hint="open the file in binary mode")
        if not piece:
            return
        yield piece
        size = _PIECE


def _unreadable(name: str, error: OSError | ValueError) -> InvalidInputError:
    reason = (error.strerror if isinstance(error, OSError) else None) or error
    return InvalidInputError(
        f"cannot read {name}: {reason}", hint="give a regular file that you may read"
    )
