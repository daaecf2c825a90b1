from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aivcs.adapters.memory_blobs import MemoryBlobs
from aivcs.domain.blobname import pack_name
from aivcs.domain.digest import Digest
from aivcs.domain.stored import StoredObject
from aivcs.errors import InvalidInputError, MissingObject
from aivcs.services import pack_format
from aivcs.services.pack_read import PackReader
from aivcs.services.pack_scan import scan_pack
from aivcs.services.pack_write import write_pack
from tests.packs.packing import bytes_of, dictionary, packed, rows, store_of, texts

if TYPE_CHECKING:
    from aivcs.ports import BlobStore


def everything(blobs: BlobStore, pack: Digest) -> dict[Digest, object]:
    return dict(PackReader(blobs).objects(pack))


@pytest.mark.parametrize("with_dictionary", [False, True])
@pytest.mark.parametrize("block_size", [1, 100, 1000, 2**15])
def test_what_is_packed_comes_back(block_size: int, with_dictionary: bool) -> None:
    blobs = MemoryBlobs()
    made = dictionary() if with_dictionary else None
    written = packed(texts(), blobs, dictionary=made, block_size=block_size)
    reader = PackReader(blobs)
    assert [reader.read(row) for row in rows(written)] == texts()
    assert dict(reader.objects(written.new.pack.digest)) == {
        Digest.of(text): text for text in texts()
    }
    assert reader.dictionary(written.new.pack) == made


@given(st.lists(st.binary(max_size=200), min_size=1), st.integers(1, 300))
def test_any_objects_come_back_each_once(data: list[bytes], block_size: int) -> None:
    blobs = MemoryBlobs()
    written = packed(data, blobs, block_size=block_size)
    reader = PackReader(blobs)
    assert [reader.read(row) for row in rows(written)] == list(dict.fromkeys(data))
    assert written.new.pack.objects == len(set(data))


@pytest.mark.parametrize("with_dictionary", [False, True])
def test_the_footer_says_what_the_writer_said(with_dictionary: bool) -> None:
    blobs = MemoryBlobs()
    made = dictionary() if with_dictionary else None
    written = packed(texts(), blobs, dictionary=made, block_size=200)
    footer = PackReader(blobs).footer(written.new.pack.digest)
    assert footer.listing() == written.new
    assert tuple(footer.objects()) == written.items


@pytest.mark.parametrize("with_dictionary", [False, True])
def test_walking_the_frames_finds_the_same(with_dictionary: bool) -> None:
    blobs = MemoryBlobs()
    made = dictionary() if with_dictionary else None
    pack = packed(texts(), blobs, dictionary=made, block_size=200).new.pack.digest
    reader = PackReader(blobs)
    assert scan_pack(blobs, reader, pack) == reader.footer(pack)


def test_a_pack_is_named_by_its_bytes_and_made_the_same_again() -> None:
    first, second = MemoryBlobs(), MemoryBlobs()
    pack = packed(texts(), first, block_size=200).new.pack
    assert Digest.of(bytes_of(first, pack.digest)) == pack.digest
    assert len(bytes_of(first, pack.digest)) == pack.size
    assert packed(texts(), second, block_size=200).new.pack == pack


def test_a_block_ends_where_it_would_be_too_long_and_a_long_object_has_its_own() -> None:
    blobs = MemoryBlobs()
    data = [b"a" * 60, b"b" * 50, b"c" * 500, b"d" * 10]
    written = packed(data, blobs, block_size=128)
    assert [item.block for item in written.items] == [0, 0, 1, 2]
    assert [size for _, _, size in written.new.blocks] == [122, 508, 18]


def test_the_longest_object_fits_and_a_longer_one_is_refused() -> None:
    longest = bytes(pack_format.BLOCK_LIMIT - 8)
    blobs = MemoryBlobs()
    written = packed([b"small", longest], blobs)
    assert PackReader(blobs).read(rows(written)[1]) == longest
    with pytest.raises(InvalidInputError, match="too long for a pack"):
        packed([b"small", longest + b"!"], blobs)


def test_nothing_and_too_long_a_dictionary_make_no_pack() -> None:
    with pytest.raises(InvalidInputError, match="at least one object"):
        packed([], MemoryBlobs())
    with pytest.raises(InvalidInputError, match="too long"):
        packed(texts(), MemoryBlobs(), dictionary=bytes(pack_format.DICTIONARY_LIMIT + 1))


def test_an_error_of_the_source_ends_the_writing() -> None:
    def items() -> object:
        yield Digest.of(b"one"), b"one"
        msg = "no more"
        raise RuntimeError(msg)

    with MemoryBlobs().stage() as staged, pytest.raises(RuntimeError, match="no more"):
        write_pack(items(), staged)  # type: ignore[arg-type]


@pytest.mark.parametrize("cache_bytes", [0, 300, 2**20])
def test_many_threads_read_at_once(cache_bytes: int) -> None:
    blobs = MemoryBlobs()
    written = packed(texts(60), blobs, dictionary=dictionary(), block_size=150)
    reader = PackReader(blobs, cache_bytes)
    wanted = rows(written) * 5
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(reader.read, wanted)) == texts(60) * 5


def test_more_packs_than_are_kept_ready_are_read() -> None:
    blobs = MemoryBlobs()
    made = dictionary()
    stored: list[StoredObject] = []
    for number in range(70):
        stored += rows(packed([b"object %d" % number], blobs, dictionary=made))
    reader = PackReader(blobs, 0)
    for _ in range(2):
        assert [reader.read(row) for row in stored] == [b"object %d" % n for n in range(70)]


def test_a_pack_that_is_gone_is_told() -> None:
    blobs = MemoryBlobs()
    written = packed(texts(), blobs, dictionary=dictionary())
    pack = written.new.pack
    blobs.delete(pack_name(pack.digest))
    reader = PackReader(blobs)
    with pytest.raises(MissingObject, match=str(written.items[0].digest)):
        reader.read(rows(written)[0])
    for attempt in (
        lambda: reader.footer(pack.digest),
        lambda: reader.dictionary(pack),
        lambda: list(reader.objects(pack.digest)),
        lambda: scan_pack(blobs, reader, pack.digest),
    ):
        with pytest.raises(MissingObject, match=pack_name(pack.digest)):
            attempt()


def test_an_object_that_is_in_no_pack_is_not_looked_for() -> None:
    blobs = MemoryBlobs()
    row = rows(packed([b"one"], blobs))[0]
    elsewhere = StoredObject(row.digest, row.size, row.codec, b"one")
    with pytest.raises(MissingObject, match="in no pack"):
        PackReader(blobs).read(elsewhere)


def test_a_scan_reads_what_lies_behind_damage() -> None:
    blobs = MemoryBlobs()
    written = packed(texts(), blobs, dictionary=dictionary(), block_size=200)
    pack = written.new.pack.digest
    data = bytearray(bytes_of(blobs, pack))
    offset, length, _ = written.new.blocks[1]
    data[offset : offset + length] = bytes(length)
    del data[-70:]
    damaged = store_of(bytes(data), pack)
    reader = PackReader(damaged)
    footer = scan_pack(damaged, reader, pack)
    lost = {item.digest for item in written.items if item.block == 1}
    assert lost
    assert {item.digest for item in footer.objects()} == {
        item.digest for item in written.items
    } - lost
    blocks = [reader.block(footer.pack, block) for block in footer.blocks]
    assert {Digest.of(data) for block in blocks for data in block} == {
        item.digest for item in footer.objects()
    }
