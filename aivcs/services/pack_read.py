"""Reading packs: objects one by one, verified, over a cache of unpacked blocks."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from aivcs.domain.blobname import pack_name
from aivcs.errors import CorruptionError, MissingObject
from aivcs.services import frames, pack_format
from aivcs.services.block_cache import BlockCache
from aivcs.services.damage import damaged, damaged_pack, gone, gone_pack
from aivcs.services.pack_dictionaries import Unpackers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aivcs.domain.digest import Digest
    from aivcs.domain.stored import Block, Pack, StoredObject
    from aivcs.ports import BlobStore
    from aivcs.services.pack_format import BlockRow, Footer

CACHE_BYTES: Final = 32 * 2**20


class PackReader:
    """Reads the packs of a blob store. Safe to use from many threads.

    Nothing is handed out before its SHA-256 is right. Every method raises StorageError.
    """

    def __init__(self, blobs: BlobStore, cache_bytes: int = CACHE_BYTES) -> None:
        self._blobs = blobs
        self._cache = BlockCache(cache_bytes)
        self._unpackers = Unpackers(blobs)

    def read(self, stored: StoredObject) -> bytes:
        """Return a sealed object's bytes.

        Raises MissingObject when its pack is gone, IntegrityError when the bytes are not
        the object's.
        """
        place = stored.place
        if place is None:
            msg = f"object {stored.digest} is in no pack"
            raise MissingObject(msg, hint="read it where it is stored")
        block = place.block
        content = self._content(stored.digest, block)
        end = place.start + stored.size
        data = content[place.start : end]
        if hashlib.sha256(data).digest() != stored.digest.raw or len(data) != stored.size:
            self._cache.drop((block.pack.digest.raw, block.offset))
            detail = f"the bytes in the block at {block.offset} have another digest or size"
            raise damaged(stored.digest, pack_name(block.pack.digest), detail)
        return data

    def read_all(self, objects: Iterable[StoredObject]) -> dict[Digest, bytes]:
        """Return the bytes of those sealed objects that can be read, in the order of blocks.

        One that is missing here is gone or damaged: ``read`` says how.
        """
        by_block: dict[Block, list[tuple[Digest, int, int]]] = {}
        for digest, size, _, _, place in objects:
            if place is not None:
                by_block.setdefault(place.block, []).append((digest, place.start, size))
        found: dict[Digest, bytes] = {}
        for block in sorted(by_block):
            inside = by_block[block]
            with suppress(CorruptionError):
                content = self._content(inside[0][0], block)
                for digest, start, size in inside:
                    data = content[start : start + size]
                    if hashlib.sha256(data).digest() == digest.raw and len(data) == size:
                        found[digest] = data
        return found

    def footer(self, pack: Digest) -> Footer:
        """Return what a pack says it holds. Raises MissingObject, IntegrityError."""
        name = pack_name(pack)
        try:
            size = self._blobs.size(name)
            return pack_format.read_footer(partial(self._blobs.read, name), size, pack)
        except MissingObject as error:
            raise gone_pack(pack) from error

    def dictionary(self, pack: Pack) -> bytes | None:
        """Return a pack's dictionary, or None. Raises MissingObject, IntegrityError."""
        try:
            return self._unpackers.dictionary(pack)
        except MissingObject as error:
            raise gone_pack(pack.digest) from error
        except CorruptionError as error:
            raise damaged_pack(pack.digest, error.message) from error

    def objects(self, pack: Digest) -> Iterator[tuple[Digest, bytes | CorruptionError]]:
        """Yield every object of a pack, in order, verified; for a damaged one its error.

        Every block is read once and held to the footer; one of them is in memory. Raises
        MissingObject, and IntegrityError when the footer or the dictionary is damaged.
        """
        footer = self.footer(pack)
        self._check_dictionary(footer)
        rows = iter(footer.objects())
        for block in footer.blocks:
            names = [next(rows).digest for _ in range(block.objects)]
            try:
                objects = self.block(footer.pack, block)
            except MissingObject as error:
                raise gone_pack(pack) from error
            except CorruptionError as error:
                for digest in names:
                    yield digest, damaged(digest, pack_name(pack), error.message)
                continue
            for digest, data in zip(names, objects, strict=True):
                if hashlib.sha256(data).digest() == digest.raw:
                    yield digest, data
                else:
                    detail = f"the bytes in the block at {block.offset} have another digest"
                    yield digest, damaged(digest, pack_name(pack), detail)

    def block(self, pack: Pack, block: BlockRow) -> list[bytes]:
        """Return the objects of a block that has its BLAKE3; they are not hashed.

        Raises CorruptionError (MissingObject when the pack is gone).
        """
        try:
            frame = self._frame(pack.digest, block.offset, block.length)
            if pack_format.checksum(frame) != block.checksum:
                msg = "it has another BLAKE3"
                raise CorruptionError(msg)  # noqa: TRY301 - told of the block below
            objects = self.unpack_block(pack, frame, block.size)
            if len(objects) != block.objects:
                msg = f"it holds {len(objects)} objects, not {block.objects}"
                raise CorruptionError(msg)  # noqa: TRY301 - told of the block below
        except CorruptionError as error:
            if isinstance(error, MissingObject):
                raise
            msg = f"the block at {block.offset}: {error.message}"
            raise CorruptionError(msg) from error
        return objects

    def unpack_block(self, pack: Pack, frame: bytes, size: int) -> list[bytes]:
        """Return the objects of a block's frame that is said to hold ``size`` bytes.

        They are not hashed. Raises CorruptionError (MissingObject when the pack is gone).
        """
        return pack_format.decode_block(self._unpack(pack, frame, size))

    def _check_dictionary(self, footer: Footer) -> None:
        pack = footer.pack
        if not pack.dictionary_length:
            return
        frame = self._blobs.read(
            pack_name(pack.digest), pack.dictionary_offset, pack.dictionary_length
        )
        if pack_format.checksum(frame) != footer.dictionary_checksum:
            raise damaged_pack(pack.digest, "its dictionary has another BLAKE3")

    def _content(self, digest: Digest, block: Block) -> bytes:
        """Return what a block holds; ``digest`` is for whom, should it be damaged."""
        key = (block.pack.digest.raw, block.offset)
        content = self._cache.get(key)
        if content is None:
            content = self._load(digest, block)
            self._cache.keep(key, content)
        return content

    def _load(self, digest: Digest, block: Block) -> bytes:
        name = pack_name(block.pack.digest)
        try:
            frame = self._frame(block.pack.digest, block.offset, block.length)
            return self._unpack(block.pack, frame, block.size)
        except MissingObject as error:
            raise gone(digest, name) from error
        except CorruptionError as error:
            detail = f"the block at {block.offset}: {error.message}"
            raise damaged(digest, name, detail) from error

    def _frame(self, pack: Digest, offset: int, length: int) -> bytes:
        frame = self._blobs.read(pack_name(pack), offset, length)
        if len(frame) != length:
            msg = f"it is cut off after {len(frame)} bytes of {length}"
            raise CorruptionError(msg)
        return frame

    def _unpack(self, pack: Pack, frame: bytes, size: int) -> bytes:
        if size > pack_format.BLOCK_LIMIT:
            msg = f"it is said to hold {size} bytes"
            raise CorruptionError(msg)
        return frames.unpack_by(self._unpackers.of(pack), frame, size)
