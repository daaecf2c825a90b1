"""A reader of packs from docs/format.md alone, which checks every byte; no line of the package."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import blake3
import zstandard

if TYPE_CHECKING:
    from collections.abc import Iterator

MARK = bytes.fromhex("5a2a4d18")


class Refused(Exception):
    pass


def must(condition: object, why: str) -> None:
    if not condition:
        raise Refused(why)


def u32(data: bytes, *places: int) -> list[int]:
    return [int.from_bytes(data[place : place + 4], "little") for place in places]


def b3(data: bytes) -> bytes:
    return blake3.blake3(data).digest()[:16]


def unpacked(frame: bytes, dictionary: bytes) -> bytes:
    known = zstandard.ZstdCompressionDict(dictionary) if dictionary else None
    try:
        must(0 < zstandard.frame_content_size(frame) <= 1_048_576, "size of a frame")
        return zstandard.ZstdDecompressor(known).decompress(frame, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise Refused(str(error)) from error


def read_pack(name: str, file: bytes) -> dict[str, bytes]:
    """Return the objects of a pack by digest, in order; Refused for any wrong byte."""
    must(name == f"packs/{hashlib.sha256(file).hexdigest()}.pack", "name")
    must(len(file) >= 16 + 8 + 52 and file[-8:] == b"AIVCSPF1", "end")
    b, n, d = u32(file[-52:], 0, 4, 8)
    end = len(file) - 8 - 28 * b - 36 * n - 52
    must(end >= 16 and b and n and file[end : end + 4] == MARK, "footer")
    footer, start = file[end:], 24 + d if d else 16
    must(u32(footer, 4) == [len(footer) - 8] and b3(footer[8:-24]) == footer[-24:-8], "footer")
    must(file[:16] == MARK + b"\x08\0\0\0AIVCSPK1", "head")
    must(not d or (file[16:20] == MARK and u32(file, 20) == [d]), "dictionary")
    must(footer[-40:-24] == (b3(file[24:start]) if d else bytes(16)), "dictionary's checksum")
    rows = iter(range(8 + 28 * b, 8 + 28 * b + 36 * n, 36))
    objects: dict[str, bytes] = {}
    for place in range(8, 8 + 28 * b, 28):
        length, size, k = u32(footer, place, place + 4, place + 8)
        frame, start = file[start : start + length], start + length
        must(b3(frame) == footer[place + 12 : place + 28] and start <= end, "block's checksum")
        content = unpacked(frame, unpacked(file[24 : 24 + d], b"") if d else b"")
        must(len(content) == size and u32(content, 0) == [k] and k, "block")
        objects.update(objects_of(content, k, footer, rows))
    must(start == end and next(rows, None) is None and len(objects) == n, "whole")
    return objects


def objects_of(content: bytes, k: int, footer: bytes, rows: Iterator[int]) -> dict[str, bytes]:
    start, objects = 4 + 4 * k, {}
    for size, row in zip(u32(content, *range(4, 4 + 4 * k, 4)), rows):  # noqa: B905
        data, start = content[start : start + size], start + size
        digest = hashlib.sha256(data).digest()
        must(digest == footer[row : row + 32] and u32(footer, row + 32) == [size], "object")
        objects[digest.hex()] = data
    must(start == len(content), "end of a block")
    return objects
