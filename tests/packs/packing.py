"""Packs for the tests: small, quickly made, and read as a repository reads them."""

from __future__ import annotations

import json
from random import Random
from typing import TYPE_CHECKING

from aivcs.adapters.memory_blobs import MemoryBlobs
from aivcs.domain.blobname import pack_name
from aivcs.domain.digest import Digest
from aivcs.domain.stored import Block, Codec, Place, StoredObject
from aivcs.services.pack_write import BLOCK_SIZE, write_pack

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aivcs.ports import BlobStore
    from aivcs.services.pack_write import WrittenPack


def texts(count: int = 12) -> list[bytes]:
    """Return different JSON texts, an empty object and one that does not compress."""
    made = [
        json.dumps({"role": "tool", "call": number, "output": f"row {number} " * (number % 5)})
        for number in range(count)
    ]
    return [*(text.encode() for text in made), b"", bytes(range(256))]


def sentences(count: int) -> list[bytes]:
    """Return JSON texts that share sentences which no block has all of."""
    chance = Random(7)  # noqa: S311 - test data
    known = [f"sentence {chance.getrandbits(200):x} of all" for _ in range(300)]
    return [
        json.dumps({"id": number, "said": chance.sample(known, 8)}).encode()
        for number in range(count)
    ]


def dictionary(size: int = 2048) -> bytes:
    """Return a dictionary for ``texts``."""
    from zstandard import train_dictionary

    samples: list[bytes | bytearray | memoryview[int]] = [*texts(200), *texts(201), *texts(202)]
    return train_dictionary(size, samples, k=64, d=8).as_bytes()


def packed(
    data: Iterable[bytes],
    blobs: BlobStore,
    *,
    dictionary: bytes | None = None,
    block_size: int = BLOCK_SIZE,
) -> WrittenPack:
    """Write and publish a pack."""
    with blobs.stage() as staged:
        written = write_pack(
            ((Digest.of(one), one) for one in data),
            staged,
            dictionary=dictionary,
            block_size=block_size,
        )
        staged.publish(pack_name(written.new.pack.digest))
    return written


def rows(written: WrittenPack) -> list[StoredObject]:
    """Return the rows that a ledger has of the objects of a pack."""
    pack = written.new.pack
    blocks = [Block(pack, *place) for place in written.new.blocks]
    return [
        StoredObject(
            item.digest, item.size, Codec.ZSTD, None, Place(blocks[item.block], item.start)
        )
        for item in written.items
    ]


def bytes_of(blobs: BlobStore, pack: Digest) -> bytes:
    """Return a pack's bytes."""
    return blobs.read(pack_name(pack), 0, blobs.size(pack_name(pack)))


def store_of(data: bytes, pack: Digest) -> MemoryBlobs:
    """Return a store whose only pack has these bytes, right or wrong."""
    blobs = MemoryBlobs()
    blobs.keep(pack_name(pack), data)
    return blobs
