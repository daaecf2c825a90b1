"""CasStore: immutable objects, named by the SHA-256 of their bytes."""

from __future__ import annotations

import io
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

from aivcs.domain.blobname import large_name
from aivcs.domain.digest import Digest
from aivcs.domain.several import several
from aivcs.domain.stored import Tier
from aivcs.errors import CorruptionError, MissingObject, StorageError
from aivcs.services import frames
from aivcs.services.damage import absent, damaged, gone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import BinaryIO

    from aivcs.domain.stored import StoredObject
    from aivcs.ports import BlobStore, Ledger
    from aivcs.services.intake import Content, Source
    from aivcs.services.large_read import LargeReader
    from aivcs.services.pack_read import PackReader

_MOST_LISTED: Final = 10_000
_READ_AHEAD: Final = 64 * 2**10
_LEDGER: Final = "the ledger"
_DIGESTS: Final = "digests"

T = TypeVar("T")
Digests: TypeAlias = "list[Digest]"


class CasStore:
    """Objects over a ledger (small ones) and a blob store (packs and large ones).

    A digest is given as Digest or as its text; InvalidDigest for anything else. Where many
    are asked for, one alone is an InvalidInputError. Whatever is read is hashed again:
    IntegrityError for bytes that are not what was stored. Every method raises StorageError
    when the disk fails. Safe to use from many threads.
    """

    def __init__(self, ledger: Ledger, blobs: BlobStore) -> None:
        self.ledger = ledger
        self.blobs = blobs

    @cached_property
    def packs(self) -> PackReader:
        """What reads the packs, with the blocks it keeps."""
        from aivcs.services.pack_read import PackReader

        return PackReader(self.blobs)

    def put(self, data: Content, *, pin: bool = False) -> Digest:
        """Store bytes, the file at a path, or what a binary file still holds.

        Returns when the object is durable; storing it again changes nothing, but what is
        there is read, and put right where it is missing or damaged. No collection takes it
        until the repository is closed, and none at all with ``pin``. Raises
        InvalidInputError for text and for a file that cannot be read.
        """
        from aivcs.services.storing import store

        return store(self.ledger, self._publish, self.read, data, pin=pin)

    def put_many(self, items: Iterable[Content], *, pin: bool = False) -> Digests:
        """Store many objects and return their digests in order, with few commits.

        Each commit takes up to 12,000 objects or 32 MiB; a large one has one of its own. When
        an item cannot be read, some of those before it are stored and its error is raised.
        """
        from aivcs.services.storing import store_many

        wanted = several(items, "contents")
        return store_many(self.ledger, self._publish, self.read, wanted, pin=pin)

    def prepare(self, data: Content) -> StoredObject:
        """Return the row of an object for a batch that somebody else commits.

        The file of a large one is durable when this returns.
        """
        from aivcs.services.encoding import encode
        from aivcs.services.intake import take

        content = take(data, self.ledger.hot_limit)
        return encode(content) if isinstance(content, bytes) else self._publish(content)

    def get(self, digest: Digest | str) -> bytes:
        """Return an object's bytes; NotFound, MissingObject or IntegrityError."""
        return self.read(self.stat(digest))

    def get_many(self, digests: Iterable[Digest | str]) -> Iterator[tuple[Digest, bytes]]:
        """Yield (digest, bytes) in the order asked; NotFound at the first that is absent."""
        from aivcs.services.fetching import fetch

        return fetch(self, several(digests, _DIGESTS))

    def open(self, digest: Digest | str) -> BinaryIO:
        """Return a readable, seekable file in constant memory; no unchecked byte leaves it.

        Raises NotFound, MissingObject and IntegrityError, the last also while reading.
        """
        return self._found(self.stat(digest), self._opened)

    def read(self, stored: StoredObject) -> bytes:
        """Return the bytes of a row of the ledger, held to its digest and size."""
        if stored.data is not None:
            return self._unpacked(stored, stored.data)
        return self._found(stored, self._content)

    def check(self, digest: Digest | str) -> None:
        """Read and hash one object in constant memory; raises like ``get``."""
        self.check_row(self.stat(digest))

    def check_row(self, stored: StoredObject) -> None:
        """Read and hash the object of a row of the ledger, in constant memory."""
        self._found(stored, self._check)

    def stat(self, digest: Digest | str) -> StoredObject:
        """Return the ledger's row of an object, unverified; NotFound without one."""
        wanted = Digest.parse(digest)
        stored = self.ledger.objects([wanted]).get(wanted)
        if stored is None:
            raise absent(wanted, self.ledger)
        return stored

    def stat_many(self, digests: Iterable[Digest | str]) -> Mapping[Digest, StoredObject]:
        """Return the ledger's rows of those of the objects that are stored, unverified.

        Their bytes come with the rows of the small ones, so ask for some hundred at a time.
        """
        return self.ledger.objects([Digest.parse(one) for one in several(digests, _DIGESTS)])

    def sizes(self, digests: Iterable[Digest | str]) -> Mapping[Digest, int]:
        """Return the sizes in bytes of those of the objects that are stored, unverified."""
        return self.ledger.sizes([Digest.parse(one) for one in several(digests, _DIGESTS)])

    def contains(self, digest: Digest | str) -> bool:
        """Tell whether an object is stored."""
        wanted = Digest.parse(digest)
        return wanted in self.ledger.sizes([wanted])

    def list(self, after: Digest | str | None = None, limit: int = 1000) -> Digests:
        """Return stored digests, ascending, from behind ``after`` on.

        Up to ``limit`` of them, and never more than 10,000 at a time. Raises
        InvalidInputError for another number.
        """
        from aivcs.domain.counting import integer

        most = max(0, min(integer("limit", limit), _MOST_LISTED))
        start = None if after is None else Digest.parse(after)
        return self.ledger.digests(after=start, limit=most)

    def pin(self, digests: Iterable[Digest | str]) -> None:
        """Ask every collection to leave these objects; NotFound if one is absent."""
        from aivcs.domain.batch import Batch, Reference, Role

        with self.ledger.exclusive():
            pins = tuple(Reference(digest, Role.PIN) for digest in self._stored(digests))
            self.ledger.commit(Batch(references=pins))

    def unpin(self, digests: Iterable[Digest | str]) -> None:
        """Take pins back; NotFound if an object is absent. One without a pin is no error."""
        from aivcs.domain.batch import Batch

        with self.ledger.exclusive():
            self.ledger.commit(Batch(unpinned=tuple(self._stored(digests))))

    def delete(self, digest: Digest | str, *, force: bool = False) -> None:
        """Remove an object, pinned or not; one that is absent is no error.

        Raises StillReferenced, naming what needs it, unless ``force`` is given.
        """
        from aivcs.services.removing import remove

        remove(self.ledger, self.blobs, self, Digest.parse(digest), force=force)

    def _stored(self, digests: Iterable[Digest | str]) -> Digests:
        """Return the digests, each once; NotFound unless all are stored."""
        wanted = list(dict.fromkeys(map(Digest.parse, several(digests, _DIGESTS))))
        found = self.ledger.sizes(wanted)
        for digest in wanted:
            if digest not in found:
                raise absent(digest, self.ledger)
        return wanted

    def _unpacked(self, stored: StoredObject, data: bytes) -> bytes:
        content = data
        if stored.codec:
            try:
                content = frames.unpack(data, stored.size)
            except CorruptionError as error:
                raise damaged(stored.digest, _LEDGER, error.message) from error
        if len(content) != stored.size or sha256(content).digest() != stored.digest.raw:
            raise damaged(stored.digest, _LEDGER, "its bytes have another digest or size")
        return content

    def _found(self, stored: StoredObject, read: Callable[[StoredObject], T]) -> T:
        """Read an object; where its pack or file has gone, ask once more where it is."""
        try:
            return read(stored)
        except MissingObject as error:
            again = self.ledger.objects([stored.digest]).get(stored.digest)
            if again is None:
                raise absent(stored.digest, self.ledger) from error
            if again == stored:
                raise
        return read(again)

    def _content(self, stored: StoredObject) -> bytes:
        if stored.data is not None:
            return self._unpacked(stored, stored.data)
        if stored.place is not None:
            return self.packs.read(stored)
        with self._large(stored) as large:
            return large.content()

    def _opened(self, stored: StoredObject) -> BinaryIO:
        if stored.tier is Tier.LARGE:
            return io.BufferedReader(self._large(stored), _READ_AHEAD)
        return io.BytesIO(self._content(stored))

    def _check(self, stored: StoredObject) -> None:
        if stored.tier is not Tier.LARGE:
            self._content(stored)
            return
        with self._large(stored) as large:
            for _ in large.chunks():
                pass

    def _publish(self, source: Source) -> StoredObject:
        """Write the file of a large object and return its row; say of whom, where that fails."""
        try:
            return self._published(source)
        except StorageError as error:
            msg = f"cannot store {source.name}: {error.message}"
            raise type(error)(msg, hint=error.hint) from error.__cause__ or error

    def _published(self, source: Source) -> StoredObject:
        from aivcs.domain.batch import Batch
        from aivcs.services.large_write import write_large

        with source, self.blobs.stage(source.expected) as staged:
            stored = write_large(source, staged)
            # Held first: no collection takes the file for a stray one before its row is there.
            self.ledger.commit(Batch(holds=(stored.digest,)))
            self._clear(stored)
            staged.publish(large_name(stored.digest))
        return stored

    def _clear(self, stored: StoredObject) -> None:
        """Remove a large object's file that is not sound, to make room for the one at hand."""
        try:
            self._check(stored)
        except MissingObject:
            return
        except CorruptionError:
            self.blobs.delete(large_name(stored.digest))

    def _large(self, stored: StoredObject) -> LargeReader:
        from aivcs.services.large_read import LargeReader

        name = large_name(stored.digest)
        try:
            file = self.blobs.open(name)
        except MissingObject as error:
            raise gone(stored.digest, name) from error
        except CorruptionError as error:
            raise damaged(stored.digest, name, error.message) from error
        reader = LargeReader(file, stored.digest)
        if reader.size != stored.size:
            reader.close()
            raise damaged(stored.digest, name, f"{reader.size} bytes, {stored.size} recorded")
        return reader
