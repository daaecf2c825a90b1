"""Where a log is published: static files that any web server can hand out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager


class LogFolder(Protocol):
    """The files of one public log by their path, such as ``tile/0/000``.

    All of it can be made again from the ledger, so little is promised: a reader sees a file
    as it was or as it is, never a part of one. Raises StorageError.
    """

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes, or None where there is none."""
        ...

    def write(self, path: str, data: bytes, *, final: bool) -> None:
        """Replace a file in one step; a ``final`` one survives a power cut when it returns.

        Others may be empty, torn or gone then: whoever publishes next looks at them.
        """
        ...

    def remove(self, path: str) -> None:
        """Remove a folder with its files, or a file, if it is there."""
        ...

    def paths(self) -> Iterator[str]:
        """Yield the paths of all files."""
        ...

    def alone(self) -> AbstractContextManager[None]:
        """Be the only one who writes; StorageError where somebody else is for too long."""
        ...
