"""The page on the format says of packs, and of keys in a bucket, what the program does."""

from __future__ import annotations

import re

import zstandard

from aivcs.adapters.memory_blobs import MemoryBlobs
from aivcs.adapters.s3 import blobs as bucket
from aivcs.domain.blobname import pack_name
from aivcs.services import pack_format, pack_write, training
from tests.docs.markdown import DOCS, table
from tests.packs.packing import dictionary, packed, texts

PAGE = (DOCS / "format.md").read_text(encoding="utf-8")
PACKS = " ".join(PAGE.partition("\n## Packs\n")[2].partition("\n## ")[0].split())


def test_numbers_and_marks() -> None:
    assert f"`0x{pack_format.SKIPPABLE:X}`" in PACKS
    assert f"`{pack_format.HEAD[-8:].decode()}`" in PACKS
    assert f"at most {pack_format.DICTIONARY_LIMIT:,} bytes long before" in PACKS
    assert f"at most {training.LARGEST:,} bytes, pack it with" in PACKS
    assert f"pack it with level {pack_write.DICTIONARY_LEVEL} and zstd's checksum" in PACKS
    assert f"hold the content size, at most {pack_format.BLOCK_LIMIT:,}" in PACKS
    assert f"would be longer than {pack_write.BLOCK_SIZE:,} bytes" in PACKS
    assert f"use level {pack_write.LEVEL} and no zstd checksum" in PACKS


def test_frames_have_what_is_said_of_their_headers() -> None:
    made = dictionary()
    blobs = MemoryBlobs()
    new = packed(texts(30), blobs, dictionary=made).new
    name = pack_name(new.pack.digest)
    for offset, length, size in new.blocks:
        header = zstandard.get_frame_parameters(blobs.read(name, offset, length))
        assert header.content_size == size
        assert header.dict_id == zstandard.ZstdCompressionDict(made).dict_id() > 0
        assert not header.has_checksum
    frame = blobs.read(name, new.pack.dictionary_offset, new.pack.dictionary_length)
    header = zstandard.get_frame_parameters(frame)
    assert header.content_size == len(made)
    assert header.has_checksum


def test_keys_in_a_bucket() -> None:
    keys = [re.findall(r"`([^`]+)`", row[0]) for row in table(PAGE, "### In a bucket")]
    assert keys == [[bucket.MARK], ["probe-"]]
