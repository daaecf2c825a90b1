"""The file of one large object: zstd frames of its content, then a footer that checks them.

Every ``zstd -d`` decodes the file to the content, because the footer is a skippable
frame. ``docs/format`` has each byte of it.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aivcs.domain.blobname import large_name
from aivcs.domain.digest import Digest
from aivcs.services.damage import damaged
from aivcs.services.frames import MAX_UNPACKED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

CHUNK_SIZE: Final = 2**20
SKIPPABLE: Final = 0x184D2A5A
MAGIC: Final = b"AIVCSLG1"

_FRAME: Final = struct.Struct("<II")
_ROW: Final = struct.Struct("<I32s")
_TAIL: Final = struct.Struct("<32sQII")
_CHECKSUM: Final = 16
_END: Final = _TAIL.size + _CHECKSUM + len(MAGIC)


@dataclass(frozen=True, slots=True)
class Footer:
    """What the end of a file says: the content's digest and bytes, and a row per chunk.

    ``rows`` are packed: per chunk the length of its frame in bytes (u32, little endian)
    and the BLAKE3 of its content (32 bytes).
    """

    digest: Digest
    size: int
    chunk_size: int
    rows: bytes

    def __len__(self) -> int:
        """Return the number of chunks."""
        return len(self.rows) // _ROW.size

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        """Yield (length of the frame, BLAKE3 of the content) of each chunk."""
        return _ROW.iter_unpack(self.rows)

    def row(self, index: int) -> tuple[int, bytes]:
        """Return (length of the frame, BLAKE3 of the content) of one chunk."""
        length, checksum = _ROW.unpack_from(self.rows, index * _ROW.size)
        return length, checksum

    def chunk_length(self, index: int) -> int:
        """Return the bytes of content in a chunk: the chunk size, less in the last one."""
        return min(self.chunk_size, self.size - index * self.chunk_size)

    def encode(self) -> bytes:
        """Return the skippable frame that ends the file."""
        tail = _TAIL.pack(self.digest.raw, self.size, self.chunk_size, len(self))
        covered = self.rows + tail
        payload = covered + _checksum(covered) + MAGIC
        return _FRAME.pack(SKIPPABLE, len(payload)) + payload


def row(length: int, checksum: bytes) -> bytes:
    """Return one row of a footer."""
    return _ROW.pack(length, checksum)


def read_footer(file: BinaryIO, digest: Digest) -> Footer:
    """Read the footer of the large file of ``digest``.

    Raises IntegrityError unless every byte of it is in order: it is the footer of this
    object, and the frames it lists fill the rest of the file. No more is read or kept
    than the file's own length allows.
    """
    name = large_name(digest)
    length = file.seek(0, os.SEEK_END)
    if length < _FRAME.size + _END:
        raise damaged(digest, name, f"{length} bytes are too few")
    file.seek(length - _END)
    end = file.read(_END)
    if end[-len(MAGIC) :] != MAGIC:
        raise damaged(digest, name, "the footer's mark is missing")
    raw, size, chunk_size, count = _TAIL.unpack_from(end)
    payload = count * _ROW.size + _END
    if payload + _FRAME.size > length:
        raise damaged(digest, name, "the footer is longer than the file")
    file.seek(length - payload - _FRAME.size)
    head = file.read(_FRAME.size)
    rows = file.read(count * _ROW.size)
    checksum = end[_TAIL.size : _TAIL.size + _CHECKSUM]
    if head != _FRAME.pack(SKIPPABLE, payload) or (_checksum(rows + end[: _TAIL.size]) != checksum):
        raise damaged(digest, name, "the footer does not have its checksum")
    footer = Footer(Digest(raw), size, chunk_size, rows)
    if footer.digest != digest:
        raise damaged(digest, name, f"the file is the one of {footer.digest}")
    if not 0 < chunk_size <= MAX_UNPACKED or count != -(-size // chunk_size):
        raise damaged(digest, name, f"{count} chunks of {chunk_size} do not make {size} bytes")
    if sum(stored for stored, _ in footer) != length - payload - _FRAME.size:
        raise damaged(digest, name, "the chunks do not fill the file")
    return footer


def claimed(read: Callable[[int, int], bytes], size: int) -> Digest | None:
    """Return the digest that a file of ``size`` bytes names at its end, whatever its own name.

    ``read(start, length)`` reads it. None for what is no large file.
    """
    end = read(max(0, size - _END), _END)
    if len(end) != _END or end[-len(MAGIC) :] != MAGIC:
        return None
    return Digest(_TAIL.unpack_from(end)[0])


def _checksum(data: bytes) -> bytes:
    from blake3 import blake3

    return blake3(data).digest(length=_CHECKSUM)
