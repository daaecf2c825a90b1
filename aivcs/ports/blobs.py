"""Files that never change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self

from aivcs.ports.backend import StorageBackend

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO


class Staged(Protocol):
    """A blob being written: invisible until it is published, gone if it never is."""

    def write(self, *pieces: bytes | memoryview) -> None:
        """Append the bytes of each piece. Raises StorageError (disk full, no permission)."""
        ...

    def publish(self, name: str) -> None:
        """Make the blob visible under ``name``, durably; a present one is left as it is."""
        ...

    def __enter__(self) -> Self:
        """Return self."""
        ...

    def __exit__(self, *_: object) -> None:
        """Discard what was not published."""
        ...


class BlobStore(StorageBackend, Protocol):
    """Immutable files by name, written once.

    Consistency: a published blob is seen by every later read and never changes.
    Durability: when ``publish`` returns, the blob survives a power cut (in a bucket, as far
    as its server sees to that). Concurrency: any number of writers; two that publish one
    name write the same bytes. A failed publish
    may have landed; publishing again is harmless. Names are relative, ``/``-separated.
    """

    def stage(self, expected: int = 0) -> Staged:
        """Begin a blob of about so many bytes as are expected; 0 where nobody knows.

        Raises StorageError.
        """
        ...

    def open(self, name: str) -> BinaryIO:
        """Return a seekable file.

        Raises MissingObject if there is none of this name, CorruptionError where something
        that is no file has its place.
        """
        ...

    def read(self, name: str, start: int, length: int) -> bytes:
        """Return ``length`` bytes of a blob from ``start`` on, fewer only at its end.

        Nothing from behind the end on. Made for many small reads by many threads. Raises
        like ``open``, and InvalidInputError for a negative number.
        """
        ...

    def size(self, name: str) -> int:
        """Return how many bytes a blob has. Raises like ``open``."""
        ...

    def settle(self, name: str) -> None:
        """Make sure that a blob which is there survives a power cut, whoever published it.

        Its publisher may have been killed before that was so. None of this name is no error.
        """
        ...

    def exists(self, name: str) -> bool:
        """Tell whether a blob of this name is published."""
        ...

    def names(self) -> Iterator[str]:
        """Yield the names of all published blobs, in order."""
        ...

    def delete(self, name: str) -> None:
        """Remove a blob; none of this name is no error."""
        ...

    def unfinished(self) -> list[tuple[str, int]]:
        """Return what dead writers never published: a name for people, and its bytes."""
        ...

    def sweep(self) -> int:
        """Remove what is ``unfinished``; return how many there were."""
        ...
