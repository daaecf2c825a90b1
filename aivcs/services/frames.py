"""One zstd frame: packed with its size in its header, unpacked only to exactly that size."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from aivcs.errors import CorruptionError

if TYPE_CHECKING:
    from zstandard import ZstdCompressor, ZstdDecompressor

MAX_UNPACKED: Final = 16 * 2**20
"""No frame is unpacked to more bytes than this, whatever its header says."""

_LEVEL: Final = 3


class _Contexts(threading.local):
    """A context is costly to make and not thread-safe, so each thread keeps its own."""

    packer: ZstdCompressor | None = None
    unpacker: ZstdDecompressor | None = None


_contexts = _Contexts()


def pack(data: bytes) -> bytes:
    """Return ``data`` as one zstd frame of level 3, with the size in the header."""
    packer = _contexts.packer
    if packer is None:
        from zstandard import ZstdCompressor

        packer = _contexts.packer = ZstdCompressor(level=_LEVEL, write_content_size=True)
    return packer.compress(data)


def unpack(data: bytes, size: int) -> bytes:
    """Return the ``size`` bytes of a frame.

    Raises CorruptionError when the data is not exactly one frame that holds ``size``
    bytes; the header is believed only when it says so, so a forged one takes no memory.
    """
    import zstandard

    unpacker = _contexts.unpacker
    if unpacker is None:
        unpacker = _contexts.unpacker = zstandard.ZstdDecompressor()
    try:
        held = zstandard.frame_content_size(data)
        if held != size or size > MAX_UNPACKED:
            msg = f"its frame holds {held} bytes where {size} are recorded"
            raise CorruptionError(msg)
        content = unpacker.decompress(data, max_output_size=size, allow_extra_data=False)
    except zstandard.ZstdError as error:
        msg = f"it cannot be decompressed ({error})"
        raise CorruptionError(msg) from error
    return content
