"""Writing a pack: objects in blocks, compressed by a few threads at once."""

from __future__ import annotations

import hashlib
import os
import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aivcs.domain.digest import Digest
from aivcs.domain.stored import Pack
from aivcs.errors import InvalidInputError
from aivcs.services import frames, pack_format
from aivcs.services.pack_format import BlockRow, Footer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future

    from zstandard import ZstdCompressionDict, ZstdCompressor

    from aivcs.domain.pack_writes import NewPack, Packed
    from aivcs.ports import Staged

LEVEL: Final = 12
BLOCK_SIZE: Final = 32 * 2**10
"""A block takes objects until its content would be longer than this."""

_MOST_THREADS: Final = 4
DICTIONARY_LEVEL: Final = 19


@dataclass(frozen=True, slots=True)
class WrittenPack:
    """A pack that is written but not published: how to list it, and where its objects are."""

    new: NewPack
    items: tuple[Packed, ...]


def write_pack(
    items: Iterable[tuple[Digest, bytes]],
    staged: Staged,
    *,
    dictionary: bytes | None = None,
    level: int = LEVEL,
    block_size: int = BLOCK_SIZE,
) -> WrittenPack:
    """Write objects, in their order, as a pack to ``staged``; publish nothing.

    A digest that comes again is left out. Memory: a handful of blocks, and about 500
    bytes for each object. Raises InvalidInputError for no object at all and for one that
    no block can hold, what ``items`` raises, and StorageError.
    """
    output = _Output(staged)
    output.write(pack_format.HEAD)
    shared, dictionary_frame = _prepare(dictionary)
    if dictionary_frame:
        output.write(pack_format.skippable(dictionary_frame))
    rows = bytearray()
    blocks: list[BlockRow] = []
    for block, frame in _compressed(_cut(items, rows, block_size), _Packers(level, shared)):
        offset = output.size
        output.write(frame)
        mark = pack_format.checksum(frame)
        blocks.append(BlockRow(offset, len(frame), block.size, block.objects, mark))
    if not blocks:
        msg = "a pack holds at least one object"
        raise InvalidInputError(msg, hint="there is nothing to pack")
    mark = pack_format.checksum(dictionary_frame) if dictionary_frame else bytes(16)
    unnamed = Pack(
        Digest(bytes(32)),
        0,
        sum(block.objects for block in blocks),
        pack_format.DICTIONARY_OFFSET if dictionary_frame else 0,
        len(dictionary_frame),
    )
    footer = Footer(unnamed, tuple(blocks), bytes(rows), mark)
    output.write(footer.encode())
    named = Footer(output.named(unnamed), footer.blocks, footer.rows, mark)
    return WrittenPack(named.listing(), tuple(named.objects()))


class _Output:
    """What is written so far, and its digest."""

    def __init__(self, staged: Staged) -> None:
        self._staged = staged
        self._whole = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> None:
        self._staged.write(data)
        self._whole.update(data)
        self.size += len(data)

    def named(self, pack: Pack) -> Pack:
        digest = Digest(self._whole.digest())
        offset, length = pack.dictionary_offset, pack.dictionary_length
        return Pack(digest, self.size, pack.objects, offset, length)


@dataclass(frozen=True, slots=True)
class _Content:
    """The content of a block before it is compressed."""

    data: bytes
    objects: int

    @property
    def size(self) -> int:
        return len(self.data)


class _Packers(threading.local):
    """A context with the dictionary loaded, one a thread."""

    def __init__(self, level: int, dictionary: ZstdCompressionDict | None) -> None:
        self._level = level
        self._dictionary = dictionary
        self._packer: ZstdCompressor | None = None

    def pack(self, data: bytes) -> bytes:
        if self._packer is None:
            self._packer = frames.packer_of(self._level, self._dictionary)
        return self._packer.compress(data)


def _prepare(dictionary: bytes | None) -> tuple[ZstdCompressionDict | None, bytes]:
    """Return the dictionary for compressors, and its frame; (None, empty) without one."""
    if dictionary is None:
        return None, b""
    if len(dictionary) > pack_format.DICTIONARY_LIMIT:
        msg = f"a dictionary of {len(dictionary)} bytes is too long"
        raise InvalidInputError(msg, hint=f"at most {pack_format.DICTIONARY_LIMIT} bytes")
    from zstandard import ZstdCompressionDict

    packer = frames.packer_of(DICTIONARY_LEVEL, checksum=True)
    return ZstdCompressionDict(dictionary), packer.compress(dictionary)


def _cut(
    items: Iterable[tuple[Digest, bytes]], rows: bytearray, block_size: int
) -> Iterator[_Content]:
    """Yield the contents of blocks, and add each object to the rows of the footer."""
    seen: set[Digest] = set()
    held: list[bytes] = []
    size = 0
    for digest, data in items:
        if digest in seen:
            continue
        seen.add(digest)
        if pack_format.header_length(1) + len(data) > pack_format.BLOCK_LIMIT:
            msg = f"object {digest} of {len(data)} bytes is too long for a pack"
            raise InvalidInputError(msg, hint="an object so long is a file of its own")
        if held and pack_format.header_length(len(held) + 1) + size + len(data) > block_size:
            yield _Content(pack_format.encode_block(held), len(held))
            held, size = [], 0
        rows += pack_format.object_row(digest, len(data))
        held.append(data)
        size += len(data)
    if held:
        yield _Content(pack_format.encode_block(held), len(held))


def _compressed(
    contents: Iterator[_Content], packers: _Packers
) -> Iterator[tuple[_Content, bytes]]:
    """Yield each block with its frame, in order, a few of them in work at a time."""
    from concurrent.futures import ThreadPoolExecutor

    threads = min(_MOST_THREADS, os.cpu_count() or 1)
    pending: deque[tuple[_Content, Future[bytes]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for content in contents:
            pending.append((content, pool.submit(packers.pack, content.data)))
            if len(pending) > 2 * threads:
                block, frame = pending.popleft()
                yield block, frame.result()
        while pending:
            block, frame = pending.popleft()
            yield block, frame.result()
