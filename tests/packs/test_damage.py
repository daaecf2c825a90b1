"""Packs whose bytes are not those that were written: an error names it, never wrong data."""

from __future__ import annotations

import struct
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from aivcs.adapters.memory_blobs import MemoryBlobs
from aivcs.domain.blobname import pack_name
from aivcs.domain.digest import Digest
from aivcs.domain.stored import Block, Codec, Pack, Place, StoredObject
from aivcs.errors import CorruptionError, IntegrityError, MissingObject
from aivcs.services import pack_format
from aivcs.services.pack_format import BlockRow, Footer
from aivcs.services.pack_read import PackReader
from aivcs.services.pack_scan import scan_pack
from tests.packs.packing import bytes_of, dictionary, packed, rows, store_of, texts

if TYPE_CHECKING:
    from collections.abc import Callable

    from aivcs.services.pack_write import WrittenPack

CONTENTS = {Digest.of(text): text for text in texts(5)}


def written(*, with_dictionary: bool = True, block_size: int = 120) -> tuple[WrittenPack, bytes]:
    blobs = MemoryBlobs()
    made = dictionary(512) if with_dictionary else None
    found = packed(texts(5), blobs, dictionary=made, block_size=block_size)
    return found, bytes_of(blobs, found.new.pack.digest)


def check_named(error: object, *names: str) -> None:
    assert isinstance(error, IntegrityError)
    assert [name for name in names if name not in error.message] == []


def read_each(reader: PackReader, found: WrittenPack) -> int:
    """Read every object by its row; return how many are damaged. Wrong data fails."""
    wrong = 0
    for row in rows(found):
        try:
            assert reader.read(row) == CONTENTS[row.digest]
        except IntegrityError as error:
            check_named(error, str(row.digest), pack_name(found.new.pack.digest))
            wrong += 1
    return wrong


def read_whole(reader: PackReader, found: WrittenPack) -> int:
    """Read the pack by its footer; return how many of its objects are damaged."""
    pack = found.new.pack.digest
    try:
        objects = dict(reader.objects(pack))
    except IntegrityError as error:
        check_named(error, pack_name(pack))
        return len(CONTENTS)
    assert objects.keys() == CONTENTS.keys()
    good = {digest for digest, data in objects.items() if data == CONTENTS[digest]}
    for digest in objects.keys() - good:
        check_named(objects[digest], str(digest))
    return len(objects) - len(good)


def scan(blobs: MemoryBlobs, reader: PackReader, pack: Digest) -> None:
    """Read the pack by its frames: what is found is what was stored, under its digest."""
    footer = scan_pack(blobs, reader, pack)
    listed = [item.digest for item in footer.objects()]
    found = [data for block in footer.blocks for data in reader.block(footer.pack, block)]
    assert listed == [Digest.of(data) for data in found]


@pytest.mark.parametrize("with_dictionary", [False, True])
@pytest.mark.parametrize("mask", [0x01, 0x80, 0xFF])
def test_no_flipped_byte_gives_wrong_data(mask: int, with_dictionary: bool) -> None:
    found, data = written(with_dictionary=with_dictionary)
    unseen = []
    for place in range(len(data)):
        flipped = bytearray(data)
        flipped[place] ^= mask
        blobs = store_of(bytes(flipped), found.new.pack.digest)
        reader = PackReader(blobs)
        read_each(reader, found)
        if not read_whole(PackReader(blobs), found):
            unseen.append(place)
        scan(blobs, reader, found.new.pack.digest)
    # Whoever reads the whole pack sees every flip of it.
    assert unseen == []


def test_no_truncated_or_longer_pack_is_accepted() -> None:
    found, data = written()
    pack = found.new.pack.digest
    for length in range(len(data)):
        blobs = store_of(data[:length], pack)
        read_each(PackReader(blobs), found)
        with pytest.raises(IntegrityError, match=pack_name(pack)):
            PackReader(blobs).footer(pack)
        scan(blobs, PackReader(blobs), pack)
    for longer in (data + b"\0", b"\0" + data, data + data):
        with pytest.raises(IntegrityError):
            PackReader(store_of(longer, pack)).footer(pack)


@given(st.binary(max_size=400))
@settings(max_examples=300)
def test_any_bytes_are_refused(data: bytes) -> None:
    pack = Digest.of(b"any")
    blobs = store_of(data, pack)
    with pytest.raises(IntegrityError):
        PackReader(blobs).footer(pack)
    assert not scan_pack(blobs, PackReader(blobs), pack).blocks


@pytest.mark.parametrize("filler", [b"\0", b"\xff"])
def test_a_pack_that_was_overwritten_is_told(filler: bytes) -> None:
    found, data = written()
    blobs = store_of(filler * len(data), found.new.pack.digest)
    assert read_each(PackReader(blobs), found) == len(CONTENTS)
    assert read_whole(PackReader(blobs), found) == len(CONTENTS)
    assert not scan_pack(blobs, PackReader(blobs), found.new.pack.digest).blocks


@pytest.mark.parametrize(
    "piece",
    [
        b"\x28\xb5\x2f\xfd",
        b"\x28\xb5\x2f\xfd\xa0\x00\x00\x10\x00",
        b"\x28\xb5\x2f\xfd\xa0\x00\x00\x10\x00" + b"\x08\x00\x00." * 9,
    ],
)
def test_what_only_looks_like_blocks_is_not_read_for_ever(
    piece: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, data = written()
    forged = data[:-5] + piece * (2**17 // len(piece))
    pack = found.new.pack.digest
    blobs = store_of(forged, pack)
    asked = 0
    read = blobs.read

    def counted(name: str, start: int, length: int) -> bytes:
        nonlocal asked
        asked += length
        return read(name, start, length)

    monkeypatch.setattr(blobs, "read", counted)
    footer = scan_pack(blobs, PackReader(blobs), pack)
    assert {item.digest for item in footer.objects()} == CONTENTS.keys()
    assert asked < 16 * len(forged) + 2**25


def test_another_pack_in_its_place_is_told() -> None:
    found, _ = written()
    other = MemoryBlobs()
    name = packed([b"another object"], other).new.pack.digest
    blobs = store_of(bytes_of(other, name), found.new.pack.digest)
    assert read_each(PackReader(blobs), found) == len(CONTENTS)


def test_a_pack_without_its_dictionary_or_with_another_is_told() -> None:
    found, data = written()
    pack = found.new.pack
    bare = Pack(pack.digest, pack.size, pack.objects)
    frame = zstandard.ZstdCompressor().compress(dictionary(1024))
    start, end = pack.dictionary_offset, pack.dictionary_offset + pack.dictionary_length
    other = data[:start] + frame[: end - start].ljust(end - start, b"\0") + data[end:]
    cut = data[:start] + bytes(end - start) + data[end:]
    for row in rows(found):
        assert row.place is not None
        block = row.place.block
        lost = Place(Block(bare, block.offset, block.length, block.size), row.place.start)
        forged = StoredObject(row.digest, row.size, row.codec, None, lost)
        with pytest.raises(IntegrityError, match="decompressed"):
            PackReader(store_of(data, pack.digest)).read(forged)
    for wrong in (other, cut):
        blobs = store_of(wrong, pack.digest)
        assert read_each(PackReader(blobs), found) == len(CONTENTS)
        with pytest.raises(IntegrityError, match="dictionary"):
            PackReader(blobs).dictionary(pack)
        with pytest.raises(IntegrityError, match="dictionary has another BLAKE3"):
            list(PackReader(blobs).objects(pack.digest))


def test_a_dictionary_of_another_pack_gives_no_wrong_data() -> None:
    found, data = written()
    pack = found.new.pack
    other = zstandard.ZstdCompressor(write_checksum=True).compress(b"no dictionary of it" * 40)
    start = pack.dictionary_offset
    forged = Pack(pack.digest, pack.size, pack.objects, start, len(other))
    blobs = store_of(data[:start] + other + data[start + len(other) :], pack.digest)
    reader = PackReader(blobs)
    for row in rows(found):
        assert row.place is not None
        block = row.place.block
        place = Place(Block(forged, block.offset, block.length, block.size), row.place.start)
        with pytest.raises(IntegrityError):
            reader.read(StoredObject(row.digest, row.size, row.codec, None, place))


def lying(change: Callable[[Footer], Footer]) -> tuple[Digest, MemoryBlobs, bytes]:
    """Return a pack whose footer says something else, with a right checksum."""
    found, data = written()
    pack = found.new.pack.digest
    footer = PackReader(store_of(data, pack)).footer(pack)
    content = data[: -len(footer.encode())]
    forged = content + change(footer).encode()
    return pack, store_of(forged, pack), forged


def with_block(footer: Footer, **fields: Any) -> Footer:
    first = footer.blocks[0]
    return Footer(
        footer.pack,
        (first._replace(**fields), *footer.blocks[1:]),
        footer.rows,
        footer.dictionary_checksum,
    )


def with_pack(footer: Footer, **fields: Any) -> Footer:
    return Footer(
        footer.pack._replace(**fields), footer.blocks, footer.rows, footer.dictionary_checksum
    )


LIES: dict[str, Callable[[Footer], Footer]] = {
    "a longer block": lambda f: with_block(f, length=f.blocks[0].length + 1),
    "a block of 4 GiB": lambda f: with_block(f, length=2**32 - 1),
    "a larger block": lambda f: with_block(f, size=f.blocks[0].size + 1),
    "an object more in a block": lambda f: with_block(f, objects=f.blocks[0].objects + 1),
    "a block of no object": lambda f: with_block(f, objects=0),
    "billions of objects in a block": lambda f: with_block(f, objects=2**32 - 1),
    "another checksum of a block": lambda f: with_block(f, checksum=bytes(16)),
    "fewer objects": lambda f: with_pack(f, objects=f.pack.objects - 1),
    "billions of objects": lambda f: with_pack(f, objects=2**32 - 1),
    "no dictionary": lambda f: with_pack(f, dictionary_length=0),
    "a shorter dictionary": lambda f: with_pack(f, dictionary_length=5),
    "another checksum of the dictionary": lambda f: Footer(f.pack, f.blocks, f.rows, bytes(16)),
    "no block": lambda f: Footer(f.pack, (), f.rows, f.dictionary_checksum),
    "other objects": lambda f: Footer(
        f.pack, f.blocks, bytes(32) + f.rows[32:], f.dictionary_checksum
    ),
    "an object of another size": lambda f: Footer(
        f.pack, f.blocks, f.rows[:32] + struct.pack("<I", 10**9) + f.rows[36:], bytes(16)
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_footer_that_lies_is_told(lie: str) -> None:
    pack, blobs, forged = lying(LIES[lie])
    reader = PackReader(blobs)
    tracemalloc.start()
    try:
        try:
            outcome = list(reader.objects(pack))
        except IntegrityError as error:
            check_named(error, pack_name(pack))
        else:
            assert any(isinstance(data, CorruptionError) for _, data in outcome)
            assert all(
                isinstance(data, CorruptionError) or Digest.of(data) == digest
                for digest, data in outcome
            )
        scan(blobs, reader, pack)
        assert tracemalloc.get_traced_memory()[1] < 2**22 + 10 * len(forged)
    finally:
        tracemalloc.stop()


def bomb(size: int) -> bytes:
    return zstandard.ZstdCompressor(level=19).compress(bytes(size))


@pytest.mark.parametrize("claimed", [100, pack_format.BLOCK_LIMIT, 2**30])
def test_a_block_that_would_explode_is_not_unpacked(claimed: int) -> None:
    frame = bomb(2**26)
    data = pack_format.HEAD + frame
    pack = Digest.of(data)
    block = Block(Pack(pack, len(data), 1), len(pack_format.HEAD), len(frame), claimed)
    row = StoredObject(Digest.of(b""), claimed - 8, Codec.ZSTD, None, Place(block, 8))
    blobs = store_of(data, pack)
    reader = PackReader(blobs)
    tracemalloc.start()
    try:
        with pytest.raises(IntegrityError, match="hold"):
            reader.read(row)
        assert not scan_pack(blobs, reader, pack).blocks
        assert tracemalloc.get_traced_memory()[1] < 2**23
    finally:
        tracemalloc.stop()


def test_a_dictionary_that_would_explode_is_not_unpacked() -> None:
    frame = bomb(2**26)
    data = pack_format.HEAD + pack_format.skippable(frame)
    digest = Digest.of(data)
    pack = Pack(digest, len(data), 1, pack_format.DICTIONARY_OFFSET, len(frame))
    with pytest.raises(IntegrityError, match="dictionary is said to have 67108864 bytes"):
        PackReader(store_of(data, digest)).dictionary(pack)


@pytest.mark.parametrize("count", [0, 2, 2**32 - 1])
def test_a_block_whose_header_lies_is_told(count: int) -> None:
    content = struct.pack("<II", count, 5) + b"hello"
    frame = zstandard.ZstdCompressor().compress(content)
    mark = pack_format.checksum(frame)
    offset = len(pack_format.HEAD)
    row = BlockRow(offset, len(frame), len(content), 1, mark)
    rows_of = pack_format.object_row(Digest.of(b"hello"), 5)
    nameless = Footer(Pack(Digest.of(b""), 0, 1), (row,), rows_of)
    data = pack_format.HEAD + frame + nameless.encode()
    pack = Digest.of(data)
    ((_, outcome),) = PackReader(store_of(data, pack)).objects(pack)
    assert isinstance(outcome, IntegrityError)


def test_objects_that_are_not_what_the_footer_says_are_told() -> None:
    content = pack_format.encode_block([b"one", b"two"])
    frame = zstandard.ZstdCompressor().compress(content)
    row = BlockRow(16, len(frame), len(content), 2, pack_format.checksum(frame))
    listed = pack_format.object_row(Digest.of(b"one"), 3) + pack_format.object_row(
        Digest.of(b"2"), 3
    )
    data = pack_format.HEAD + frame + Footer(Pack(Digest.of(b""), 0, 2), (row,), listed).encode()
    pack = Digest.of(data)
    outcome = dict(PackReader(store_of(data, pack)).objects(pack))
    assert outcome[Digest.of(b"one")] == b"one"
    assert isinstance(outcome[Digest.of(b"2")], IntegrityError)


def test_a_block_with_another_number_of_objects_than_its_footer_says_is_told() -> None:
    content = pack_format.encode_block([b"one", b"two"])
    frame = zstandard.ZstdCompressor().compress(content)
    row = BlockRow(16, len(frame), len(content), 1, pack_format.checksum(frame))
    pack = Pack(Digest.of(b""), 100, 1)
    reader = PackReader(store_of(pack_format.HEAD + frame, pack.digest))
    with pytest.raises(CorruptionError, match="2 objects, not 1"):
        reader.block(pack, row)


def test_a_damaged_block_is_read_again_when_it_was_healed() -> None:
    found, data = written()
    pack = found.new.pack.digest
    broken = bytearray(data)
    broken[-300] ^= 0xFF
    offset, length, _ = found.new.blocks[0]
    broken[offset : offset + length] = bytes(length)
    blobs = store_of(bytes(broken), pack)
    reader = PackReader(blobs)
    assert read_each(reader, found) > 0
    blobs.delete(pack_name(pack))
    blobs.keep(pack_name(pack), data)
    assert read_each(reader, found) == 0


def test_a_pack_that_goes_while_it_is_read_is_missing() -> None:
    found, data = written()
    pack = found.new.pack.digest
    blobs = store_of(data, pack)
    reader = PackReader(blobs, 0)
    objects = reader.objects(pack)
    next(objects)
    blobs.delete(pack_name(pack))
    with pytest.raises(MissingObject):
        list(objects)
