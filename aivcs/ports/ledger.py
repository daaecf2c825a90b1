"""The one serialisable writer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from aivcs.ports.backend import StorageBackend

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from aivcs.domain.batch import Batch, Receipt, Reference
    from aivcs.domain.digest import Digest
    from aivcs.domain.listing import Listing
    from aivcs.domain.log_writes import NewSpec
    from aivcs.domain.pack_writes import Surveyed
    from aivcs.domain.rows import Row
    from aivcs.domain.run import RunRecord, Source
    from aivcs.domain.stored import Pack, StoredObject
    from aivcs.domain.stream import Entry, Family, Released, RunQuery, Sealing, Stream
    from aivcs.domain.usage import Use
    from aivcs.errors import AivcsError


class Ledger(StorageBackend, Protocol):
    """Streams, runs, specs and small objects, under one serialisable writer.

    Consistency: commits are serialisable; a read sees every commit that returned before
    it began. Durability: when ``commit`` returns, the batch survives a power cut (unless
    the ledger was opened with durability ``os``). Atomicity: a batch lands whole or not
    at all; a commit that raised StorageError may have landed (ask before repeating it).
    Concurrency: any number of threads and processes; the adapter waits for locks itself.
    """

    @property
    def hot_limit(self) -> int:
        """Return how many bytes an object has at most that is a row; a larger one is a file."""
        ...

    def commit(self, batch: Batch) -> Receipt:
        """Apply a batch in one transaction.

        Raises RunNotFound, SpecNotFound, InvalidRunState, WrongExpectedSequence, Fenced,
        SequenceConflict, InvalidEvent, ConflictError (a run id or a source that is taken, a
        key that stands for something else, a pack that is in use), InvalidInputError (a run of
        another tenant, an event to erase that is not there), StorageError, CorruptionError.
        Objects, packs and specs that
        are already there are left as they are; objects to delete that are absent are no
        error. Inside ``exclusive`` it joins that transaction.
        """
        ...

    def commit_all(self, batches: Sequence[Batch]) -> list[Receipt | AivcsError]:
        """Apply several batches in one transaction: one sync for all of them.

        Each lands whole or not at all; one that fails is answered by its error, and the
        others land. Raises StorageError where none of them did for sure.
        """
        ...

    def stream(self, family: Family, name: str) -> Stream | None:
        """Return the head of a stream, or None."""
        ...

    def streams(self, family: Family) -> list[Stream]:
        """Return the heads of all streams of a family, by name."""
        ...

    def names(self, family: Family) -> list[str]:
        """Return the names of all streams of a family, in order, whatever state they are in."""
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

        With ``newest_first``, from the end backwards. Those of releases bear their number in
        the log of all.
        """
        ...

    def stored_rows(
        self, family: Family, name: str, *, after: int = 0, limit: int | None = None
    ) -> Iterator[Sequence[Row]]:
        """Yield entries with seq > ``after`` as they are stored, a page at a time, unchecked.

        Each is (seq, kind, timestamp, recorded_at, body, object, salt, commitment, checksum):
        times in microseconds since 1970, an object's digest and the others as bytes. Raises
        CorruptionError for a page that cannot be read at all.
        """
        ...

    def waiting(self, run_id: str) -> Mapping[int, Entry]:
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

    def seals(self, after: int = 0, limit: int = 1000) -> list[Sealing]:
        """Return the seals of ended runs in the order of ending, from behind ``after`` on."""
        ...

    def seals_of(self, run_ids: Sequence[str]) -> Mapping[str, Sealing]:
        """Return the seals of those of the runs that have ended, by run."""
        ...

    def release_log(self, after: int = 0, limit: int = 1000) -> list[Released]:
        """Return the log of all releases in the order of its numbers, from behind ``after`` on.

        Numbers are given in the transaction of the entry, so one that is seen is seen with
        all before it.
        """
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

    def abandoned(self) -> int:
        """Return how many leases of dead processes ``reap`` would forget."""
        ...

    def reap(self) -> int:
        """Forget the leases of dead processes with what they held; return how many."""
        ...

    def compact(self, advance: Callable[[], None] = lambda: None) -> bool:
        """Give space that deletions left back to the file system, in short steps.

        Tells whether nothing of what was deleted or erased is left in the ledger's own files;
        False where somebody who reads still needs it.
        """
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
