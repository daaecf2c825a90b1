"""Where an object's bytes come from: memory, a file by its path, or an open binary file."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, BinaryIO, Final, TypeAlias

from aivcs.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self


Content: TypeAlias = "bytes | bytearray | memoryview | os.PathLike[str] | BinaryIO"

_FIRST: Final = 64 * 2**10
_MOST: Final = 2**20
_READING: Final = os.O_RDONLY | os.O_CLOEXEC


def take(content: Content, most: int) -> bytes | Source:
    """Return all the bytes where there are up to ``most``, else what gives them.

    A binary file is read from where it stands and stays open. Raises InvalidInputError
    for text and other types, and for a path or file that cannot be read, naming it.
    """
    # The many small ones come first, and each step here counts for them.
    if type(content) is bytes and len(content) <= most:
        return content
    if isinstance(content, os.PathLike):
        return _take_file(os.fspath(content), most)
    if isinstance(content, bytes | bytearray | memoryview):
        return _take_all(Source("the given bytes", _from_memory(content)), most)
    if callable(getattr(content, "read", None)):
        name = str(getattr(content, "name", "the given file"))
        return _take_all(Source(name, content.read), most)
    msg = f"an object is made of bytes, a path or a binary file, not {type(content).__name__}"
    raise InvalidInputError(msg, hint="encode text with .encode(); wrap a path in Path(...)")


class Source:
    """What is left of some content; a context manager that closes what was opened for it.

    ``name`` is what its giver calls it. ``read`` gives up to so many bytes, none at the end;
    ``head`` comes before them.
    ``expected`` is about how many there will be, 0 where nobody knows.
    """

    def __init__(
        self,
        name: str,
        read: Callable[[int], object],
        descriptor: int = -1,
        head: bytes = b"",
        expected: int = 0,
    ) -> None:
        self.expected = expected
        self.name = name
        self._read = read
        self._descriptor = descriptor
        self._head = head

    def fill(self, buffer: memoryview) -> int:
        """Fill a buffer of bytes as far as there are any; return their number.

        Fewer than it holds only at the end. Raises InvalidInputError.
        """
        done = 0
        while done < len(buffer):
            if self._descriptor >= 0 and not self._head:
                count = self._fill_from_file(buffer[done:])
            else:
                piece = memoryview(self._head or self._next(min(len(buffer) - done, _MOST)))
                count = min(len(piece), len(buffer) - done)
                buffer[done : done + count] = piece[:count]
                self._head = bytes(piece[count:])
            if not count:
                break
            done += count
        return done

    def up_to(self, most: int) -> bytes | None:
        """Return everything if that is up to ``most`` bytes; else None, and nothing is lost."""
        head = bytearray(self._head)
        while len(head) <= most:
            piece = self._next(_FIRST)
            if not piece:
                return bytes(head)
            head += piece
        self._head = bytes(head)
        return None

    def _next(self, size: int) -> bytes:
        try:
            piece = self._read(size)
        except (OSError, ValueError) as error:
            raise _unreadable(self.name, error) from error
        if not isinstance(piece, bytes):
            msg = f"{self.name} gives {type(piece).__name__} where bytes are needed"
            raise InvalidInputError(msg, hint="open the file in binary mode")
        return piece

    def _fill_from_file(self, buffer: memoryview) -> int:
        try:
            return os.readv(self._descriptor, [buffer])
        except OSError as error:
            raise _unreadable(self.name, error) from error

    def __enter__(self) -> Self:
        """Return self."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close what was opened."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _take_file(name: str, most: int) -> bytes | Source:
    try:
        descriptor = os.open(name, _READING)
    except (OSError, ValueError) as error:
        raise _unreadable(name, error) from error
    head = b""
    try:
        status = os.fstat(descriptor)
        size = status.st_size
        if size <= most and stat.S_ISREG(status.st_mode):
            # One byte more than there should be tells whether the file has grown.
            head = os.read(descriptor, size + 1)
            if len(head) == size and size:
                os.close(descriptor)
                return head
    except OSError as error:
        os.close(descriptor)
        raise _unreadable(name, error) from error
    source = Source(name, lambda size: os.read(descriptor, size), descriptor, head, size)
    return _take_all(source, most)


def _take_all(source: Source, most: int) -> bytes | Source:
    """Return the bytes of a source that turns out to be small, else the source."""
    try:
        small = source.up_to(most)
    except BaseException:
        source.__exit__()
        raise
    if small is None:
        return source
    source.__exit__()
    return small


def _from_memory(content: bytes | bytearray | memoryview) -> Callable[[int], bytes]:
    if isinstance(content, memoryview) and not content.c_contiguous:
        content = content.tobytes()
    left = memoryview(content).cast("B")

    def read(size: int) -> bytes:
        nonlocal left
        piece, left = bytes(left[:size]), left[size:]
        return piece

    return read


def _unreadable(name: str, error: OSError | ValueError) -> InvalidInputError:
    reason = (error.strerror if isinstance(error, OSError) else None) or error
    return InvalidInputError(
        f"cannot read {name}: {reason}", hint="give a regular file that you may read"
    )
