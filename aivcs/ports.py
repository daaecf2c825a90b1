"""The ports: what the services need of storage, sorted by what it promises.

Adapters raise only errors of ``aivcs.errors``; they translate their driver's errors in
one place. Nobody above an adapter retries a storage error; a conflict may be retried by
the service that built the batch, after reading again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from contextlib import AbstractContextManager
    from datetime import datetime
    from typing import BinaryIO

    from aivcs.domain.batch import Batch, Draft, NewSpec, Receipt, Reference, Surveyed
    from aivcs.domain.digest import Digest
    from aivcs.domain.listing import Listing
    from aivcs.domain.run import RunRecord, Source
    from aivcs.domain.stored import Pack, StoredObject
    from aivcs.domain.stream import Entry, Family, RunQuery, Stream
    from aivcs.domain.usage import Use

T = TypeVar("T")


class Clock(Protocol):
    """Tells the time; injected, so that tests and the demo are deterministic."""

    def __call__(self) -> datetime:
        """Return the present moment, aware and in UTC."""
        ...


class Ids(Protocol):
    """Makes ids for runs; injected like the clock."""

    def __call__(self) -> str:
        """Return a text no other call returned."""
        ...


class Ledger(Protocol):
    """Streams, runs, specs and small objects, under one serialisable writer.

    Consistency: commits are serialisable; a read sees every commit that returned before
    it began. Durability: when ``commit`` returns, the batch survives a power cut (unless
    the ledger was opened with durability ``os``). Atomicity: a batch lands whole or not
    at all; a commit that raised StorageError may have landed (ask before repeating it).
    Concurrency: any number of threads and processes; the adapter waits for locks itself.
    """

    def commit(self, batch: Batch) -> Receipt:
        """Apply a batch in one transaction.

        Raises RunNotFound, SpecNotFound, InvalidRunState, WrongExpectedSequence,
        SequenceConflict, InvalidEvent, ConflictError (a run id or a source that is taken, a
        pack that is in use), StorageError, CorruptionError. Objects, packs and specs that
        are already there are left as they are; objects to delete that are absent are no
        error. Inside ``exclusive`` it joins that transaction.
        """
        ...

    def stream(self, family: Family, name: str) -> Stream | None:
        """Return the head of a stream, or None."""
        ...

    def streams(self, family: Family) -> list[Stream]:
        """Return the heads of all streams of a family, by name."""
        ...

    def entries(
        self,
        family: Family,
        name: str,
        *,
        after: int = 0,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> Iterator[Entry]:
        """Yield entries with seq > ``after`` in constant memory; nothing if there is no stream.

        With ``newest_first``, from the end backwards.
        """
        ...

    def waiting(self, run_id: str) -> Mapping[int, Draft]:
        """Return the early entries of a run by seq: those that wait for a gap to close."""
        ...

    def run(self, run_id: str) -> RunRecord | None:
        """Return a run, or None."""
        ...

    def run_from(self, source: Source) -> RunRecord | None:
        """Return the run that was recorded from this digest and index, or None."""
        ...

    def runs(self, query: RunQuery) -> list[RunRecord]:
        """Return runs in reverse order of creation; RunNotFound for an unknown ``after``."""
        ...

    def run_ids(self, prefix: str, limit: int) -> list[str]:
        """Return up to ``limit`` run ids that begin with ``prefix``, in order of creation."""
        ...

    def specs(self, digest: Digest | None = None) -> list[NewSpec]:
        """Return all annotations of specs, or those of one, newest first."""
        ...

    def objects(self, digests: Sequence[Digest]) -> Mapping[Digest, StoredObject]:
        """Return those of the objects that are stored, as stored (unverified)."""
        ...

    def sizes(self, digests: Sequence[Digest]) -> Mapping[Digest, int]:
        """Return the sizes of those of the objects that are stored; reads no content."""
        ...

    def hot(self, *, after: int = 0, limit: int = 500) -> list[tuple[int, StoredObject]]:
        """Return hot objects in the order of storing, with numbers that ascend.

        Begins behind the number ``after``.
        """
        ...

    def hot_rows(self, after: int, until: int) -> list[tuple[bytes, int, int, bytes]]:
        """Return (digest, size, codec, data) of hot objects behind a number up to another.

        As they are stored, in the order of storing: whoever asks holds them to one another.
        """
        ...

    def backlog(self) -> int:
        """Return about how many hot objects there are, at once."""
        ...

    def packs(self) -> list[Pack]:
        """Return the listed packs in the order of listing."""
        ...

    def listing(self, pack: Digest) -> Listing | None:
        """Return what is listed of a pack, or None; CorruptionError for rows of no order.

        Made for reading a pack's rows at once: it takes memory for each of its objects.
        """
        ...

    def large(self, *, after: Digest | None = None, limit: int = 1000) -> list[StoredObject]:
        """Return large objects in ascending order of digest, from behind ``after`` on."""
        ...

    def survey(self, *, after: Digest | None = None, limit: int = 1000) -> list[Surveyed]:
        """Return what is stored, in ascending order of digest, from behind ``after`` on."""
        ...

    def unnamed(self, digests: Sequence[Digest]) -> set[Digest]:
        """Return those of the digests that no row names and no live process holds.

        They need not be stored.
        """
        ...

    def exclusive(self) -> AbstractContextManager[None]:
        """Hold the one write transaction: what is read inside stays true until its end.

        Commits of this thread inside join it; all of it lands at the end, or nothing when
        an error leaves it.
        """
        ...

    def upkeep(self, *, wait: bool) -> AbstractContextManager[bool]:
        """Be the only one who seals, collects or repairs; tells whether one is.

        Without ``wait`` the answer is False when somebody else is. A process that dies
        lets go of it.
        """
        ...

    def reap(self) -> int:
        """Forget the leases of dead processes with what they held; return how many."""
        ...

    def compact(self, advance: Callable[[], None] = lambda: None) -> None:
        """Give space that deletions left back to the file system, in short steps."""
        ...

    def footprint(self) -> int:
        """Return the bytes of the ledger's own file, as it is without the newest log."""
        ...

    def reset_index(self) -> None:
        """Forget every pack and sealed object, whatever state their tables are in."""
        ...

    def digests(self, *, after: Digest | None = None, limit: int = 1000) -> list[Digest]:
        """Return stored digests in ascending order, from the one behind ``after`` on."""
        ...

    def references(self, digest: Digest | None = None) -> list[Reference]:
        """Return the explicit references to all objects, or to one; not those of expired runs."""
        ...

    def dangling(self) -> list[Reference]:
        """Return the explicit references to objects that are not stored."""
        ...

    def missing(self) -> list[Digest]:
        """Return what rows name and no tier has; final states may be kept elsewhere."""
        ...

    def holders(self, digest: Digest) -> list[str]:
        """Say which rows name this object (runs, events, specs, references but pins)."""
        ...

    def uses(self, digests: Sequence[Digest]) -> list[Use]:
        """Return every use of some objects: what of rows and live processes keeps each.

        Those of one object stand together, in the order asked. The objects need not be
        stored. What of an expired run keeps nothing is among them and says so.
        """
        ...

    def check(self) -> list[str]:
        """Check the storage's own structure; return what is wrong with it."""
        ...

    def close(self) -> None:
        """Release everything; idempotent."""
        ...


class Staged(Protocol):
    """A blob being written: invisible until it is published, gone if it never is."""

    def write(self, data: bytes) -> None:
        """Append bytes. Raises StorageError (disk full, no permission)."""
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


class BlobStore(Protocol):
    """Immutable files by name, written once.

    Consistency: a published blob is seen by every later read and never changes.
    Durability: when ``publish`` returns, the blob survives a power cut (in a bucket, as far
    as its server sees to that). Concurrency: any number of writers; two that publish one
    name write the same bytes. A failed publish
    may have landed; publishing again is harmless. Names are relative, ``/``-separated.
    """

    def stage(self) -> Staged:
        """Begin a blob. Raises StorageError."""
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

    def close(self) -> None:
        """Release everything; idempotent."""
        ...


class Spread(Protocol):
    """Does pieces of work at the same time where that is faster.

    Yields (n, work(n)) for every n below ``count``, in any order. The work may be done in
    a copy of the process: it reads values and blobs, a ledger only as one that it opens for
    itself, and what it returns can be pickled. What it raises is raised here.
    """

    def __call__(
        self, work: Callable[[int], T], count: int
    ) -> AbstractContextManager[Iterator[tuple[int, T]]]:
        """Begin; the copies end with the context."""
        ...


class Ahead(Protocol):
    """Does pieces of work before their results are asked for, in copies of the process.

    Yields work(n) for every n below ``count``, in order, with few of them in memory. The
    work and its results are as for Spread. What it raises in a copy, or a copy that dies,
    has the piece done once more here, which raises what it then raises.
    """

    def __call__(self, work: Callable[[int], T], count: int) -> AbstractContextManager[Iterator[T]]:
        """Begin; the copies end with the context."""
        ...


class Bookmarks(Protocol):
    """How far long work has come: a set of names that may be lost, but never lies."""

    def marks(self) -> AbstractSet[str]:
        """Return all of them; none where they cannot be read."""
        ...

    def add(self, marks: Iterable[str]) -> None:
        """Remember some more. Raises StorageError."""
        ...

    def clear(self) -> None:
        """Forget all. Raises StorageError."""
        ...
