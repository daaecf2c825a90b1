"""A blob on its way: a nameless local file, uploaded when its name is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, cast

from aivcs.adapters.s3.failures import spool_failure

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Self


class Spooled:
    """One blob being written to ``folder``; ``send`` uploads the file under a name.

    The file has no name of its own, so nothing is left of it when the process dies. It is
    kept until the end, so that a publish that failed can be repeated. Raises StorageError.
    """

    def __init__(self, folder: Path, send: Callable[[str, BinaryIO, int], None]) -> None:
        from tempfile import TemporaryFile

        self._folder = folder
        self._send = send
        self._size = 0
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = cast("BinaryIO", TemporaryFile(dir=folder, buffering=0))  # noqa: SIM115 - closed by __exit__
        except OSError as error:
            raise spool_failure(folder, error) from error

    def write(self, *pieces: bytes | memoryview) -> None:
        """Append each piece; StorageError when the local disk is full or fails."""
        for data in pieces:
            with memoryview(data) as view:
                done = 0
                try:
                    while done < len(view):
                        done += self._file.write(view[done:])
                except OSError as error:
                    raise spool_failure(self._folder, error) from error
                self._size += done

    def publish(self, name: str) -> None:
        """Upload the blob unless there is one of this name; may be repeated."""
        self._send(name, self._file, self._size)

    def __enter__(self) -> Self:
        """Return self."""
        return self

    def __exit__(self, *_: object) -> None:
        """Drop the local file."""
        self._file.close()
