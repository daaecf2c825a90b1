"""Reading a pack whose footer is damaged: its frames say where they end."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from aivcs.domain.blobname import pack_name
from aivcs.domain.digest import Digest
from aivcs.domain.stored import Pack
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
_TIMES: Final = 16
_LEAST: Final = 16 * 2**20
_COST: Final = 2**10


def scan_pack(blobs: BlobStore, reader: PackReader, pack: Digest) -> Footer:
    """Return the footer that fits the readable blocks of a pack, whatever its own says.

    Every object in it was read and is listed under the digest of its bytes. Blocks that
    cannot be read are left out, so those that are listed need not fill the file. A file
    made of what only looks like blocks is not read to its end. Raises MissingObject when
    the pack is gone.
    """
    name = pack_name(pack)
    try:
        size = blobs.size(name)
        source = _Source(partial(blobs.read, name), size)
        read = source.read
        dictionary = _dictionary(read, size)
        listed = Pack(pack, size, 0, pack_format.DICTIONARY_OFFSET if dictionary else 0, dictionary)
        blocks: list[BlockRow] = []
        rows = bytearray()
        offset = pack_format.content_start(dictionary)
        while 0 <= offset < size and source.left > 0:
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
            offset = offset + length if objects else source.next_frame(offset + 1)
        mark = pack_format.checksum(read(listed.dictionary_offset, dictionary))
    except MissingObject as error:
        raise gone_pack(pack) from error
    count = sum(block.objects for block in blocks)
    whole = Pack(pack, size, count, listed.dictionary_offset, dictionary)
    return Footer(whole, tuple(blocks), bytes(rows), mark if dictionary else bytes(len(mark)))


class _Source:
    """Reads a file, up to ``left`` bytes of it; the fewest count as many, too."""

    def __init__(self, read: Callable[[int, int], bytes], size: int) -> None:
        self._read = read
        self._start = 0
        self._piece = b""
        self.left = _TIMES * size + _LEAST

    def read(self, start: int, length: int) -> bytes:
        """Return ``length`` bytes from ``start`` on, fewer at the end."""
        self.left -= max(length, _COST)
        return self._read(start, length)

    def next_frame(self, offset: int) -> int:
        """Return where the next zstd frame may begin, -1 when none does."""
        while True:
            end = self._start + len(self._piece)
            if not self._start <= offset <= end - len(_FRAME_MAGIC):
                self._start, self._piece = offset, self.read(offset, _PIECE)
            found = self._piece.find(_FRAME_MAGIC, offset - self._start)
            if found >= 0:
                return self._start + found
            if len(self._piece) < _PIECE:
                return -1
            # The mark may lie across two pieces.
            offset = self._start + len(self._piece) - len(_FRAME_MAGIC) + 1


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
        frame = get_frame_parameters(head)
        length = frame_header_size(head)
    except ZstdError:
        return 0
    if frame.content_size > pack_format.BLOCK_LIMIT:
        return 0
    # What cannot be packed is stored as it is, so that no frame is much longer than its content.
    most = length + frame.content_size + frame.content_size // 128 + _BLOCK_HEADER
    while length <= most:
        header = read(offset + length, _BLOCK_HEADER)
        if len(header) < _BLOCK_HEADER:
            break
        value = int.from_bytes(header, "little")
        if not value:
            break  # zeros; no packer writes an empty block
        length += _BLOCK_HEADER + (1 if value >> 1 & 3 == _RLE else value >> 3)
        if value & 1:
            return length + (_CHECKSUM if frame.has_checksum else 0)
    return 0
