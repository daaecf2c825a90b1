"""From bytes to rows of the ledger: named by their digest, packed where that saves bytes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from aivcs.domain.digest import Digest
from aivcs.domain.stored import Codec, StoredObject

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zstandard import ZstdCompressor

_LEVEL: Final = 1
"""Higher levels save a hundredth of the bytes and cost a third more time; sealing packs again."""


class _Packers(threading.local):
    """A context is costly to make and not thread-safe, so each thread keeps its own."""

    packer: ZstdCompressor | None = None


_packers = _Packers()


def encode(content: bytes) -> StoredObject:
    """Return the row of one small object."""
    return _row(Digest.of(content), content, _packer().compress(content))


def encode_all(contents: Mapping[Digest, bytes]) -> list[StoredObject]:
    """Return the rows of many, whose digests are known; other threads may go on meanwhile."""
    given: list[bytes | bytearray | memoryview] = list(contents.values())
    if not any(given):
        # The library refuses to pack nothing at all.
        return [StoredObject(digest, 0, Codec.RAW, b"") for digest in contents]
    packed = _packer().multi_compress_to_buffer(given)
    return [
        _row(digest, content, packed[number].tobytes())
        for number, (digest, content) in enumerate(contents.items())
    ]


def _row(digest: Digest, content: bytes, packed: bytes) -> StoredObject:
    if len(packed) < len(content):
        return StoredObject(digest, len(content), Codec.ZSTD, packed)
    return StoredObject(digest, len(content), Codec.RAW, content)


def _packer() -> ZstdCompressor:
    packer = _packers.packer
    if packer is None:
        from zstandard import ZstdCompressor

        packer = _packers.packer = ZstdCompressor(level=_LEVEL, write_content_size=True)
    return packer
