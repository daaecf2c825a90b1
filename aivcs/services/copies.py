"""Second copies of objects: other files of the store, dead bytes in packs, other stores."""

from __future__ import annotations

import io
from functools import partial
from typing import TYPE_CHECKING

from aivcs.domain.blobname import large_name, pack_name
from aivcs.domain.digest import Digest
from aivcs.domain.stored import Block, Codec, Place, StoredObject
from aivcs.errors import CorruptionError, InvalidDigest, NotFound, Unreadable
from aivcs.services.large import claimed
from aivcs.services.large_read import LargeReader
from aivcs.services.pack_scan import scan_pack

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import BinaryIO

    from aivcs.ports import BlobStore
    from aivcs.services.objects import CasStore
    from aivcs.services.pack_format import Footer
    from aivcs.services.pack_read import PackReader


class Copies:
    """Looks for whole, hashed copies of objects.

    ``others`` are the objects of other repositories, asked in their order. ``unread`` says by
    file why one could not be read; those of others are named by the reason itself.
    """

    def __init__(self, blobs: BlobStore, reader: PackReader, others: Sequence[CasStore]) -> None:
        self._blobs = blobs
        self._reader = reader
        self._others = others
        self._packed: dict[Digest, list[StoredObject]] = {}
        self._claims: dict[Digest, str] | None = None
        self.unread: dict[str, str] = {}

    def look_into_packs(self, wanted: Iterable[Digest]) -> None:
        """Note where packs, listed or not, have bytes of these objects."""
        raws = {digest.raw for digest in wanted}
        self._packed = {}
        for footer in self.footers() if raws else ():
            for raw, number, start, size in footer.places():
                if raw in raws:
                    row = footer.blocks[number]
                    block = Block(footer.pack, row.offset, row.length, row.size)
                    found = StoredObject(Digest(raw), size, Codec.ZSTD, None, Place(block, start))
                    self._packed.setdefault(found.digest, []).append(found)

    def packs(self) -> Iterator[Digest]:
        """Yield the digests in the names of all files that are called packs."""
        for name in self._blobs.names():
            try:
                digest = Digest.parse(name.rpartition("/")[2].removesuffix(".pack"))
            except InvalidDigest:
                continue
            if name == pack_name(digest):
                yield digest

    def footers(self) -> Iterator[Footer]:
        """Yield what every pack that is there holds, whatever became of its footer."""
        for digest in self.packs():
            footer = self.footer(digest)
            if footer is not None:
                yield footer

    def check_packs(self) -> None:
        """Raise Unreadable where one of the packs cannot be read."""
        for digest in self.packs():
            self._footer(digest)

    def footer(self, pack: Digest) -> Footer | None:
        """Return what a pack holds, by its footer or by its frames; None when nothing."""
        try:
            return self._footer(pack)
        except Unreadable as error:
            self.unread[pack_name(pack)] = error.message
            return None

    def _footer(self, pack: Digest) -> Footer | None:
        try:
            return self._reader.footer(pack)
        except CorruptionError:
            try:
                footer = scan_pack(self._blobs, self._reader, pack)
            except CorruptionError:
                return None
            return footer if footer.blocks else None

    def find(self, digest: Digest) -> bytes | BinaryIO | None:
        """Return a copy whose every byte was right a moment ago.

        Raises Unreadable where the file that bears the object's name cannot be read.
        """
        for stored in self._packed.get(digest, ()):
            try:
                return self._reader.read(stored)
            except CorruptionError:
                continue
            except Unreadable as error:
                if stored.place is not None:
                    self.unread[pack_name(stored.place.block.pack.digest)] = error.message
        return self._large(digest) or self._misnamed(digest) or self._elsewhere(digest)

    def has_file(self, digest: Digest) -> bool:
        """Tell whether the store has a whole file of this object, whatever its row says.

        Raises Unreadable.
        """
        copy = self._large(digest)
        if copy is not None:
            copy.close()
        return copy is not None

    def _misnamed(self, digest: Digest) -> BinaryIO | None:
        if self._claims is None:
            self._claims = dict(self._claimed())
        name = self._claims.get(digest)
        if name is None:
            return None
        try:
            return self._large(digest, name)
        except Unreadable as error:
            self.unread[name] = error.message
            return None

    def _claimed(self) -> Iterator[tuple[Digest, str]]:
        """Yield the large files that have another object's name: (digest at the end, name)."""
        for name in self._blobs.names():
            if not name.startswith("large/"):
                continue
            try:
                digest = claimed(partial(self._blobs.read, name), self._blobs.size(name))
            except CorruptionError:
                continue
            except Unreadable as error:
                self.unread[name] = error.message
                continue
            if digest is not None and name != large_name(digest):
                yield digest, name

    def _large(self, digest: Digest, name: str | None = None) -> BinaryIO | None:
        place = name or large_name(digest)
        try:
            with LargeReader(self._blobs.open(place), digest) as file:
                for _ in file.chunks():
                    pass
            return io.BufferedReader(LargeReader(self._blobs.open(place), digest))
        except CorruptionError:
            return None

    def _elsewhere(self, digest: Digest) -> BinaryIO | None:
        for other in self._others:
            try:
                other.check(digest)
                return other.open(digest)
            except (NotFound, CorruptionError):
                continue
            except Unreadable as error:
                self.unread[error.message] = error.message
        return None
