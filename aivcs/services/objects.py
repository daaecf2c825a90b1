"""CasStore: immutable objects, named by the SHA-256 of their bytes."""

from __future__ import annotations

import io
from itertools import chain, islice
from typing import TYPE_CHECKING, Final, TypeAlias

from aivcs.domain.batch import Batch, Codec, Reference, Role, StoredObject
from aivcs.domain.blobname import large_name
from aivcs.domain.digest import Digest
from aivcs.errors import CorruptionError, MissingObject, NotFound, StillReferenced
from aivcs.services import frames
from aivcs.services.damage import absent, damaged, gone

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

    from aivcs.ports import BlobStore, Ledger
    from aivcs.services.intake import Content
    from aivcs.services.large_read import LargeReader

HOT_LIMIT: Final = 128 * 2**10
"""Up to so many bytes an object is a row of the ledger; a larger one is a file."""

_BATCH_ITEMS: Final = 1000
_BATCH_BYTES: Final = 4 * 2**20
_FETCH: Final = 500
_READ_AHEAD: Final = 64 * 2**10
_NAMED: Final = 5
_LEDGER: Final = "the ledger"

Digests: TypeAlias = "list[Digest]"
Rows: TypeAlias = "list[StoredObject]"


class CasStore:
    """Objects over a ledger (small ones) and a blob store (large ones).

    A digest is given as Digest or as its text; InvalidDigest for anything else. Whatever
    is read is hashed again: IntegrityError for bytes that are not what was stored. Every
    method raises StorageError when the disk fails. Safe to use from many threads.
    """

    def __init__(self, ledger: Ledger, blobs: BlobStore) -> None:
        self.ledger = ledger
        self.blobs = blobs

    def put(self, data: Content, *, pin: bool = False) -> Digest:
        """Store bytes, the file at a path, or what a binary file still holds.

        Returns when the object is durable; storing it again changes nothing. ``pin``
        asks every collection to leave it. Raises InvalidInputError for text and for a
        file that cannot be read.
        """
        stored = self._take(data)
        self._add([stored], pin=pin)
        return stored.digest

    def put_many(self, items: Iterable[Content], *, pin: bool = False) -> Digests:
        """Store many objects and return their digests in order, with few commits.

        Each commit takes up to 1000 objects or 4 MiB. When an item cannot be read, those
        of earlier commits are stored and its error is raised.
        """
        digests: list[Digest] = []
        waiting: list[StoredObject] = []
        weight = 0
        for item in items:
            stored = self._take(item)
            digests.append(stored.digest)
            waiting.append(stored)
            weight += len(stored.data or b"")
            if len(waiting) >= _BATCH_ITEMS or weight >= _BATCH_BYTES:
                self._add(waiting, pin=pin)
                waiting, weight = [], 0
        self._add(waiting, pin=pin)
        return digests

    def prepare(self, data: Content) -> StoredObject:
        """Return the row of an object for a batch that somebody else commits.

        The file of a large one is durable when this returns.
        """
        return self._take(data)

    def get(self, digest: Digest | str) -> bytes:
        """Return an object's bytes; NotFound, MissingObject or IntegrityError."""
        return self.read(self.stat(digest))

    def get_many(self, digests: Iterable[Digest | str]) -> Iterator[tuple[Digest, bytes]]:
        """Yield (digest, bytes) in the order asked; NotFound at the first that is absent."""
        wanted = (Digest.parse(digest) for digest in digests)
        while some := list(islice(wanted, _FETCH)):
            found = self.ledger.objects(some)
            for digest in some:
                if digest not in found:
                    raise absent(digest)
                yield digest, self.read(found[digest])

    def open(self, digest: Digest | str) -> BinaryIO:
        """Return a readable, seekable file in constant memory; no unchecked byte leaves it.

        Raises NotFound, MissingObject and IntegrityError, the last also while reading.
        """
        stored = self.stat(digest)
        if stored.data is None:
            return io.BufferedReader(self._large(stored), _READ_AHEAD)
        return io.BytesIO(self.read(stored))

    def read(self, stored: StoredObject) -> bytes:
        """Return the bytes of a row of the ledger, held to its digest and size."""
        if stored.data is None:
            # A growing buffer is handed over without a copy; joining pieces needs both.
            whole = io.BytesIO()
            with self._large(stored) as large:
                for piece in large.chunks():
                    whole.write(piece)
            return whole.getvalue()
        try:
            raw = stored.codec is Codec.RAW
            content = stored.data if raw else frames.unpack(stored.data, stored.size)
        except CorruptionError as error:
            raise damaged(stored.digest, _LEDGER, error.message) from error
        if len(content) != stored.size or Digest.of(content) != stored.digest:
            raise damaged(stored.digest, _LEDGER, "its bytes have another digest or size")
        return content

    def check(self, digest: Digest | str) -> None:
        """Read and hash one object in constant memory; raises like ``get``."""
        stored = self.stat(digest)
        if stored.data is not None:
            self.read(stored)
            return
        with self._large(stored) as large:
            for _ in large.chunks():
                pass

    def stat(self, digest: Digest | str) -> StoredObject:
        """Return the ledger's row of an object, unverified; NotFound without one."""
        wanted = Digest.parse(digest)
        stored = self.ledger.objects([wanted]).get(wanted)
        if stored is None:
            raise absent(wanted)
        return stored

    def contains(self, digest: Digest | str) -> bool:
        """Tell whether an object is stored."""
        wanted = Digest.parse(digest)
        return wanted in self.ledger.objects([wanted])

    def list(self, after: Digest | str | None = None, limit: int = 1000) -> Digests:
        """Return up to ``limit`` stored digests, ascending, from behind ``after`` on."""
        start = None if after is None else Digest.parse(after)
        return self.ledger.digests(after=start, limit=limit)

    def pin(self, digests: Iterable[Digest | str]) -> None:
        """Ask every collection to leave these objects; NotFound if one is absent."""
        wanted = list(dict.fromkeys(Digest.parse(digest) for digest in digests))
        for start in range(0, len(wanted), _FETCH):
            some = wanted[start : start + _FETCH]
            found = self.ledger.objects(some)
            for digest in some:
                if digest not in found:
                    raise absent(digest)
        if wanted:
            pins = tuple(Reference(digest, Role.PIN) for digest in wanted)
            self.ledger.commit(Batch(references=pins))

    def delete(self, digest: Digest | str, *, force: bool = False) -> None:
        """Remove an object, pinned or not; one that is absent is no error.

        Raises StillReferenced, naming what needs it, unless ``force`` is given.
        """
        wanted = Digest.parse(digest)
        stored = self.ledger.objects([wanted]).get(wanted)
        if stored is None:
            return
        if not force:
            self._check_unused(wanted)
        self.ledger.commit(Batch(deletions=(wanted,)))
        # Somebody may have stored it again since; then the file is theirs.
        if stored.data is None and not self.contains(wanted):
            self.blobs.delete(large_name(wanted))

    def _check_unused(self, digest: Digest) -> None:
        from aivcs.services.reachability import spec_holders

        holders = self.ledger.holders(digest)
        holders += spec_holders(self.ledger, self._find, digest)
        if holders:
            more = len(holders) - _NAMED
            names = ", ".join(holders[:_NAMED]) + (f" and {more} more" if more > 0 else "")
            msg = f"object {digest} is needed by {names}"
            raise StillReferenced(msg, hint="keep it; what needs it cannot be read without it")

    def _find(self, digest: Digest) -> bytes | None:
        try:
            return self.get(digest)
        except (NotFound, MissingObject):
            return None

    def _take(self, data: Content) -> StoredObject:
        """Encode a small object, or write the file of a large one."""
        from aivcs.services.intake import pieces_of

        with pieces_of(data) as pieces:
            head = b""
            for piece in pieces:
                head = head + piece if head else piece
                if len(head) > HOT_LIMIT:
                    return self._publish(chain((head,), pieces))
        digest = Digest.of(head)
        packed = frames.pack(head)
        if len(packed) < len(head):
            return StoredObject(digest, len(head), Codec.ZSTD, packed)
        return StoredObject(digest, len(head), Codec.RAW, head)

    def _publish(self, pieces: Iterable[bytes]) -> StoredObject:
        from aivcs.services.large_write import write_large

        with self.blobs.stage() as staged:
            stored = write_large(pieces, staged)
            staged.publish(large_name(stored.digest))
        return stored

    def _add(self, stored: Rows, *, pin: bool) -> None:
        rows = {row.digest: row for row in stored}
        known = self.ledger.objects(tuple(rows))
        new = tuple(row for digest, row in rows.items() if digest not in known)
        pins = tuple(Reference(digest, Role.PIN) for digest in rows) if pin else ()
        if new or pins:
            self.ledger.commit(Batch(objects=new, references=pins))

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
