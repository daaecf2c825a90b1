"""One zstd frame: packed with its size in its header, unpacked only to exactly that size."""

from __future__ import annotations

import struct
import threading
from typing import TYPE_CHECKING, Final

from aivcs.errors import CorruptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zstandard import ZstdCompressionDict, ZstdCompressor, ZstdDecompressor

MAX_UNPACKED: Final = 16 * 2**20
"""No frame is unpacked to more bytes than this, whatever its header says."""

_LEVEL: Final = 3
_PLAIN: Final = struct.Struct("<IBI")
_MAGIC: Final = 0xFD2FB528
_SINGLE_SEGMENT: Final = 0xA0
_BLOCK: Final = 128 * 2**10


class _Contexts(threading.local):
    """A context is costly to make and not thread-safe, so each thread keeps its own."""

    packer: ZstdCompressor | None = None
    unpacker: ZstdDecompressor | None = None


_contexts = _Contexts()


def pack(data: bytes | memoryview) -> bytes:
    """Return ``data`` as one zstd frame of level 3, with the size in the header."""
    packer = _contexts.packer
    if packer is None:
        packer = _contexts.packer = packer_of(_LEVEL)
    return packer.compress(data)


def plain(data: bytes | memoryview) -> list[bytes | memoryview]:
    """Return ``data`` as one zstd frame of blocks that are stored as they are, in pieces.

    Takes no work where packing would save nothing, and copies nothing.
    """
    # RFC 8878: a single segment with the size of its content in four bytes.
    pieces: list[bytes | memoryview] = [_PLAIN.pack(_MAGIC, _SINGLE_SEGMENT, len(data))]
    for start in range(0, len(data), _BLOCK):
        piece = data[start : start + _BLOCK]
        last = start + _BLOCK >= len(data)
        pieces += [(len(piece) << 3 | last).to_bytes(3, "little"), piece]
    return pieces


def unpack(data: bytes, size: int) -> bytes:
    """Return the ``size`` bytes of a frame.

    Raises CorruptionError when the data is not exactly one frame that holds ``size``
    bytes; the header is believed only when it says so, so a forged one takes no memory.
    """
    unpacker = _contexts.unpacker
    if unpacker is None:
        unpacker = _contexts.unpacker = unpacker_of(None)
    return unpack_by(unpacker, data, size)


def unpack_all(packed: Sequence[bytes], sizes: Sequence[int]) -> list[bytes] | None:
    """Return the contents of many frames; None unless each holds as many bytes as its size says.

    What follows a frame is not looked at.
    """
    import zstandard

    # The threads of zstandard gain nothing for frames as short as these.
    unpacker = _contexts.unpacker
    if unpacker is None:
        unpacker = _contexts.unpacker = unpacker_of(None)
    try:
        held = list(map(zstandard.frame_content_size, packed))
        if held != list(sizes) or max(held, default=0) > MAX_UNPACKED:
            return None
        return list(map(unpacker.decompress, packed))
    except zstandard.ZstdError:
        return None


def packer_of(
    level: int, dictionary: ZstdCompressionDict | None = None, *, checksum: bool = False
) -> ZstdCompressor:
    """Return a context that packs at a level, for one thread; with ``checksum``, of zstd's own."""
    from zstandard import ZstdCompressor

    return ZstdCompressor(
        level=level, dict_data=dictionary, write_content_size=True, write_checksum=checksum
    )


def unpacker_of(dictionary: ZstdCompressionDict | None) -> ZstdDecompressor:
    """Return a context that unpacks, for one thread."""
    from zstandard import ZstdDecompressor

    return ZstdDecompressor(dict_data=dictionary)


def unpack_by(unpacker: ZstdDecompressor, data: bytes, size: int) -> bytes:
    """Return the ``size`` bytes of a frame, as ``unpack`` does, with a given context."""
    import zstandard

    try:
        held = zstandard.frame_content_size(data)
        if held != size or size > MAX_UNPACKED:
            msg = f"its frame holds {held} bytes where {size} are recorded"
            if held < 0:
                msg = "its frame does not say how many bytes it holds"
            raise CorruptionError(msg)
        return unpacker.decompress(data, max_output_size=size, allow_extra_data=False)
    except zstandard.ZstdError as error:
        msg = f"it cannot be decompressed ({error})"
        raise CorruptionError(msg) from error
