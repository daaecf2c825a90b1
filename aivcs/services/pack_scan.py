"""Reading a pack whose footer is damaged: its frames say where they end."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from aivcs.domain.batch import Pack
from aivcs.domain.blobname import pack_name
from aivcs.domain.digest import Digest
from aivcs.errors import CorruptionError, MissingObject
from aivcs.services import pack_format
from aivcs.services.damage import gone_pack
from aivcs.services.pack_format import BlockRow, Footer

if TYPE_CHECKING:
    from collections.abc import Callable

    from aivcs.ports import BlobStore
    from aivcs.services.pack_read import PackReader

_FRAME_MAGIC: Final = bytes.fromhex("28b52ffd")
_SKIPPABLE_MAGIC: Final = pack_format.SKIPPABLE.to_bytes(4, "little")
_SKIPPABLE_HEAD: Final = 8
_LONGEST_HEADER: Final = 18
_BLOCK_HEADER: Final = 3
_RLE: Final = 1
_CHECKSUM: Final = 4
_PIECE: Final = 2**20


def scan_pack(blobs: BlobStore, reader: PackReader, pack: Digest) -> Footer:
    """Return the footer that fits the readable blocks of a pack, whatever its own says.

    Every object in it was read and is listed under the digest of its bytes. Blocks that
    cannot be read are left out, so those that are listed need not fill the file. Raises
    MissingObject when the pack is gone.
    """
    name = pack_name(pack)
    try:
        size = blobs.size(name)
        read = partial(blobs.read, name)
        dictionary = _dictionary(read, size)
        listed = Pack(pack, size, 0, pack_format.DICTIONARY_OFFSET if dictionary else 0, dictionary)
        blocks: list[BlockRow] = []
        rows = bytearray()
        offset = pack_format.content_start(dictionary)
        while 0 <= offset < size:
            length = _frame_length(read, offset)
            frame = read(offset, length)
            objects = _objects(reader, listed, frame)
            if objects:
                mark = pack_format.checksum(frame)
                held = pack_format.header_length(len(objects)) + sum(map(len, objects))
                blocks.append(BlockRow(offset, length, held, len(objects), mark))
                rows += b"".join(
                    pack_format.object_row(Digest.of(data), len(data)) for data in objects
                )
            offset = offset + length if objects else _next_frame(read, offset + 1)
        mark = pack_format.checksum(read(listed.dictionary_offset, dictionary))
    except MissingObject as error:
        raise gone_pack(pack) from error
    count = sum(block.objects for block in blocks)
    whole = Pack(pack, size, count, listed.dictionary_offset, dictionary)
    return Footer(whole, tuple(blocks), bytes(rows), mark if dictionary else bytes(len(mark)))


def _dictionary(read: Callable[[int, int], bytes], size: int) -> int:
    """Return the length of the dictionary's frame, 0 when there is none."""
    head = read(len(pack_format.HEAD), _SKIPPABLE_HEAD)
    length = int.from_bytes(head[4:], "little")
    fits = pack_format.DICTIONARY_OFFSET + length <= size
    if not head.startswith(_SKIPPABLE_MAGIC) or not fits:
        return 0
    magic = read(pack_format.DICTIONARY_OFFSET, len(_FRAME_MAGIC))
    return length if magic == _FRAME_MAGIC else 0


def _objects(reader: PackReader, pack: Pack, frame: bytes) -> list[bytes]:
    """Return the objects of a block's frame, nothing when it cannot be read."""
    from zstandard import ZstdError, frame_content_size

    try:
        return reader.unpack_block(pack, frame, frame_content_size(frame))
    except MissingObject:
        raise
    except (CorruptionError, ZstdError):
        return []


def _frame_length(read: Callable[[int, int], bytes], offset: int) -> int:
    """Return the length of the zstd frame at a place, 0 when there is none."""
    from zstandard import ZstdError, frame_header_size, get_frame_parameters

    head = read(offset, _LONGEST_HEADER)
    try:
        has_checksum = get_frame_parameters(head).has_checksum
        length = frame_header_size(head)
    except ZstdError:
        return 0
    while length <= pack_format.BLOCK_LIMIT:
        header = read(offset + length, _BLOCK_HEADER)
        if len(header) < _BLOCK_HEADER:
            break
        value = int.from_bytes(header, "little")
        length += _BLOCK_HEADER + (1 if value >> 1 & 3 == _RLE else value >> 3)
        if value & 1:
            return length + (_CHECKSUM if has_checksum else 0)
    return 0


def _next_frame(read: Callable[[int, int], bytes], offset: int) -> int:
    """Return where the next zstd frame may begin, -1 when none does."""
    while piece := read(offset, _PIECE):
        found = piece.find(_FRAME_MAGIC)
        if found >= 0:
            return offset + found
        # The mark may lie across two pieces.
        offset += max(1, len(piece) - len(_FRAME_MAGIC) + 1)
    return -1
