"""From bytes to rows of the ledger: named by their digest, packed where that saves bytes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from aivcs.domain.digest import Digest
from aivcs.domain.stored import Codec, StoredObject

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from zstandard import ZstdCompressor

_LEVEL: Final = -1
"""Level 1 takes a quarter less room, but twice the time to pack and to unpack, which counts as
long as an object is hot. Sealing packs again, at a high level.
"""


class _Packers(threading.local):
    """A context is costly to make and not thread-safe, so each thread keeps its own."""

    packer: ZstdCompressor | None = None


_packers = _Packers()


def encode(content: bytes) -> StoredObject:
    """Return the row of one small object."""
    packed = _packer().compress(content)
    return StoredObject(Digest.of(content), *_shorter(content, packed))


def encode_all(contents: Mapping[Digest, bytes]) -> list[StoredObject]:
    """Return the rows of many, whose digests are known; other threads may go on meanwhile."""
    rows = zip(contents, pack(contents.values()), strict=True)
    return [StoredObject(digest, *row) for digest, row in rows]


def pack(contents: Iterable[bytes]) -> Iterator[tuple[int, Codec, bytes]]:
    """Yield the size, codec and stored bytes of each; other threads may go on meanwhile."""
    given: list[bytes | bytearray | memoryview] = list(contents)
    if not any(given):
        # The library refuses to pack nothing at all.
        yield from ((0, Codec.RAW, b"") for _ in given)
        return
    packed = _packer().multi_compress_to_buffer(given)
    for content, frame in zip(given, map(packed.__getitem__, range(len(given))), strict=True):
        size = len(content)
        if len(frame) < size:
            yield size, Codec.ZSTD, frame.tobytes()
        else:
            yield size, Codec.RAW, bytes(content)


def _shorter(content: bytes, packed: bytes) -> tuple[int, Codec, bytes]:
    if len(packed) < len(content):
        return len(content), Codec.ZSTD, packed
    return len(content), Codec.RAW, content


def _packer() -> ZstdCompressor:
    packer = _packers.packer
    if packer is None:
        from zstandard import ZstdCompressor

        packer = _packers.packer = ZstdCompressor(level=_LEVEL, write_content_size=True)
    return packer
