"""The bytes of a pack: a head, a dictionary, blocks of objects, and a footer that lists them.

Each part is a zstd frame or a skippable one, so that a pack whose footer is damaged can
be read by walking its frames. ``docs/format`` has each byte of it.
"""

from __future__ import annotations

import struct
from itertools import accumulate, chain, islice, repeat
from typing import TYPE_CHECKING, Final, NamedTuple

from aivcs.domain.digest import Digest
from aivcs.domain.stored import Pack
from aivcs.errors import CorruptionError
from aivcs.services.damage import damaged_pack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from aivcs.domain.pack_writes import NewPack, Packed

SKIPPABLE: Final = 0x184D2A5A
BLOCK_LIMIT: Final = 2**20
"""The content of a block is never longer, its header included."""

DICTIONARY_LIMIT: Final = 2**20
"""A dictionary is never longer."""

_FRAME: Final = struct.Struct("<II")
_COUNT: Final = struct.Struct("<I")
_BLOCK: Final = struct.Struct("<III16s")
_OBJECT: Final = struct.Struct("<32sI")
_TAIL: Final = struct.Struct("<III16s")
_MAGIC: Final = b"AIVCSPF1"
_CHECKSUM: Final = 16
_END: Final = _TAIL.size + _CHECKSUM + len(_MAGIC)

HEAD: Final = _FRAME.pack(SKIPPABLE, 8) + b"AIVCSPK1"
DICTIONARY_OFFSET: Final = len(HEAD) + _FRAME.size
_SMALLEST: Final = len(HEAD) + _FRAME.size + _END


class BlockRow(NamedTuple):
    """A block: its frame's place and BLAKE3, the bytes of its content, how many objects."""

    offset: int
    length: int
    size: int
    objects: int
    checksum: bytes


class Footer(NamedTuple):
    """What a pack holds. ``rows`` are packed: per object its digest and size, in order."""

    pack: Pack
    blocks: tuple[BlockRow, ...]
    rows: bytes
    dictionary_checksum: bytes = bytes(_CHECKSUM)

    def listing(self) -> NewPack:
        """Return the pack with its blocks, as a ledger lists it."""
        from aivcs.domain.pack_writes import NewPack

        blocks = tuple((block.offset, block.length, block.size) for block in self.blocks)
        return NewPack(self.pack, blocks)

    def objects(self) -> Iterator[Packed]:
        """Yield every object's place, in order."""
        from aivcs.domain.pack_writes import Packed

        for raw, number, start, size in self.places():
            yield Packed(Digest(raw), self.pack.digest, number, start, size)

    def places(self) -> Iterator[tuple[bytes, int, int, int]]:
        """Yield every object's (digest's bytes, number of block, start, size), in order."""
        rows = _OBJECT.iter_unpack(self.rows)
        for number, block in enumerate(self.blocks):
            start = header_length(block.objects)
            for raw, size in islice(rows, block.objects):
                yield raw, number, start, size
                start += size

    def columns(self) -> tuple[tuple[bytes | int, ...], ...]:
        """Return what ``places`` yields as columns, made without a step for each object."""
        raws, sizes = tuple(zip(*_OBJECT.iter_unpack(self.rows), strict=True)) or ((), ())
        counts = [block.objects for block in self.blocks]
        numbers = chain.from_iterable(repeat(n, count) for n, count in enumerate(counts))
        starts: list[int] = []
        for count in counts:
            # The last sum is where the block ends.
            inside = sizes[len(starts) : len(starts) + count]
            starts += [*accumulate(inside, initial=header_length(count))][:-1]
        return raws, tuple(numbers), tuple(starts), sizes

    def sums(self, first: int) -> Iterator[tuple[bytes, int]]:
        """Yield (digest's bytes, size) of each object from number ``first`` on."""
        return _OBJECT.iter_unpack(memoryview(self.rows)[first * _OBJECT.size :])

    def encode(self) -> bytes:
        """Return the skippable frame that ends the file."""
        blocks = b"".join(
            _BLOCK.pack(block.length, block.size, block.objects, block.checksum)
            for block in self.blocks
        )
        tail = _TAIL.pack(
            len(self.blocks),
            self.pack.objects,
            self.pack.dictionary_length,
            self.dictionary_checksum,
        )
        covered = blocks + self.rows + tail
        return skippable(covered + checksum(covered) + _MAGIC)


def object_row(digest: Digest, size: int) -> bytes:
    """Return one row of a footer's objects."""
    return _OBJECT.pack(digest.raw, size)


def skippable(payload: bytes) -> bytes:
    """Return the skippable frame of a payload."""
    return _FRAME.pack(SKIPPABLE, len(payload)) + payload


def checksum(data: bytes) -> bytes:
    """Return the first 16 bytes of the BLAKE3."""
    from blake3 import blake3

    return blake3(data).digest(length=_CHECKSUM)


def header_length(objects: int) -> int:
    """Return the bytes before the first object of a block."""
    return _COUNT.size * (1 + objects)


def encode_block(objects: Sequence[bytes]) -> bytes:
    """Return the content of a block: how many objects, their sizes, then their bytes."""
    sizes = struct.pack(f"<{1 + len(objects)}I", len(objects), *map(len, objects))
    return b"".join((sizes, *objects))


def decode_block(content: bytes) -> list[bytes]:
    """Return the objects of a block; CorruptionError unless they fill it exactly."""
    count = _COUNT.unpack_from(content)[0] if len(content) >= _COUNT.size else 0
    start = header_length(count)
    if count == 0 or start > len(content):
        msg = f"{count} objects do not fit its {len(content)} bytes"
        raise CorruptionError(msg)
    sizes = struct.unpack_from(f"<{count}I", content, _COUNT.size)
    if start + sum(sizes) != len(content):
        msg = f"its objects do not fill its {len(content)} bytes"
        raise CorruptionError(msg)
    objects: list[bytes] = []
    for size in sizes:
        objects.append(content[start : start + size])
        start += size
    return objects


def read_footer(read: Callable[[int, int], bytes], size: int, pack: Digest) -> Footer:
    """Read the footer of a pack of ``size`` bytes with ``read(start, length)``.

    Raises IntegrityError unless every byte of it is in order and the frames that it lists
    fill the file. No more is read or kept than the file's own length allows.
    """
    if size < _SMALLEST:
        raise damaged_pack(pack, f"{size} bytes are too few")
    end = read(size - _END, _END)
    if len(end) != _END or end[-len(_MAGIC) :] != _MAGIC:
        raise damaged_pack(pack, "the footer's mark is missing")
    count, objects, dictionary, dictionary_checksum = _TAIL.unpack_from(end)
    payload = count * _BLOCK.size + objects * _OBJECT.size + _END
    start = size - payload - _FRAME.size
    if start < len(HEAD):
        raise damaged_pack(pack, "the footer is longer than the file")
    whole = read(start, _FRAME.size + payload)
    covered = whole[_FRAME.size : -_CHECKSUM - len(_MAGIC)]
    if (
        whole[: _FRAME.size] != _FRAME.pack(SKIPPABLE, payload)
        or whole[-_END:] != end
        or checksum(covered) != end[_TAIL.size : _TAIL.size + _CHECKSUM]
    ):
        raise damaged_pack(pack, "the footer does not have its checksum")
    listed = Pack(pack, size, objects, DICTIONARY_OFFSET if dictionary else 0, dictionary)
    rows = covered[count * _BLOCK.size : -_TAIL.size]
    blocks = _blocks(covered[: count * _BLOCK.size], content_start(dictionary))
    footer = Footer(listed, blocks, rows, dictionary_checksum)
    _check(footer, start)
    expected = HEAD + (_FRAME.pack(SKIPPABLE, dictionary) if dictionary else b"")
    if read(0, len(expected)) != expected:
        raise damaged_pack(pack, "its head is not that of a pack")
    return footer


def content_start(dictionary: int) -> int:
    """Return where the blocks begin behind a dictionary's frame of so many bytes (0: none)."""
    return DICTIONARY_OFFSET + dictionary if dictionary else len(HEAD)


def _blocks(rows: bytes, offset: int) -> tuple[BlockRow, ...]:
    blocks: list[BlockRow] = []
    for length, size, objects, frame_checksum in _BLOCK.iter_unpack(rows):
        blocks.append(BlockRow(offset, length, size, objects, frame_checksum))
        offset += length
    return tuple(blocks)


def _check(footer: Footer, end: int) -> None:
    """Refuse a footer whose numbers contradict one another; ``end`` is where it begins."""
    pack = footer.pack.digest
    filled = content_start(footer.pack.dictionary_length)
    filled += sum(block.length for block in footer.blocks)
    if filled != end:
        raise damaged_pack(pack, "the blocks do not fill the file")
    if not footer.blocks or sum(b.objects for b in footer.blocks) != footer.pack.objects:
        raise damaged_pack(pack, "the blocks do not hold all objects")
    sizes = [size for _, size in _OBJECT.iter_unpack(footer.rows)]
    first = 0
    for block in footer.blocks:
        inside = sum(sizes[first : first + block.objects])
        first += block.objects
        whole = header_length(block.objects) + inside
        if not block.objects or block.size != whole or block.size > BLOCK_LIMIT:
            detail = f"the block at {block.offset} cannot hold {block.size} bytes"
            raise damaged_pack(pack, detail)
