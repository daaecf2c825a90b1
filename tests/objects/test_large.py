from __future__ import annotations

import hashlib
import io
from functools import partial
from typing import TYPE_CHECKING

import pytest
import zstandard
from blake3 import blake3
from hypothesis import example, given
from hypothesis import strategies as st

from aivcs.adapters.memory_blobs import MemoryBlobs
from aivcs.domain.blobname import large_name
from aivcs.domain.digest import Digest
from aivcs.errors import IntegrityError
from aivcs.services import large
from aivcs.services.intake import Source
from aivcs.services.large_read import LargeReader
from aivcs.services.large_write import write_large
from aivcs.testing.objects import noise

if TYPE_CHECKING:
    from collections.abc import Callable

CHUNK = 64
TEXT = b"".join(b"line %d of the content\n" % number for number in range(12))


def file_of(data: bytes, chunk_size: int = CHUNK, pieces: int = 50) -> bytes:
    blobs = MemoryBlobs()
    given = io.BytesIO(data)
    source = Source("given", lambda size: given.read(min(size, pieces)))
    with blobs.stage() as staged:
        stored = write_large(source, staged, chunk_size)
        staged.publish("file")
    assert (stored.digest, stored.size) == (Digest.of(data), len(data))
    with blobs.open("file") as file:
        return file.read()


def reader(file: bytes, data: bytes) -> LargeReader:
    return LargeReader(io.BytesIO(file), Digest.of(data))


def whole(file: bytes, data: bytes) -> bytes:
    with reader(file, data) as opened:
        return b"".join(opened.chunks())


def by_reading(file: bytes, data: bytes) -> bytes:
    with io.BufferedReader(reader(file, data)) as opened:
        return opened.read()


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, len(TEXT)])
@pytest.mark.parametrize("read", [whole, by_reading])
def test_content_comes_back(size: int, read: Callable[[bytes, bytes], bytes]) -> None:
    assert read(file_of(TEXT[:size]), TEXT[:size]) == TEXT[:size]


def test_another_program_reads_the_file() -> None:
    data = TEXT * 60_000
    file = file_of(data, large.CHUNK_SIZE, pieces=300_000)
    foreign = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
    assert hashlib.sha256(foreign.read()).digest() == Digest.of(data).raw


def test_the_layout_is_the_documented_one() -> None:
    data = TEXT[: CHUNK + 10]
    file = file_of(data)
    first = zstandard.ZstdCompressor(level=3).compress(data[:CHUNK])
    second = zstandard.ZstdCompressor(level=3).compress(data[CHUNK:])
    covered = (
        len(first).to_bytes(4, "little")
        + blake3(data[:CHUNK]).digest()
        + len(second).to_bytes(4, "little")
        + blake3(data[CHUNK:]).digest()
        + hashlib.sha256(data).digest()
        + len(data).to_bytes(8, "little")
        + CHUNK.to_bytes(4, "little")
        + (2).to_bytes(4, "little")
    )
    payload = covered + blake3(covered).digest()[:16] + b"AIVCSLG1"
    frame = bytes.fromhex("5a2a4d18") + len(payload).to_bytes(4, "little")
    assert file == first + second + frame + payload


@pytest.mark.parametrize("size", [2**15 - 1, 2**15, 2**17, 2**17 + 1, 2**20, 2**20 + 2**17 + 1])
def test_what_cannot_be_packed_is_stored_as_it_is(size: int) -> None:
    data = noise(size)
    file = file_of(data, large.CHUNK_SIZE, pieces=300_000)
    assert whole(file, data) == data
    foreign = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
    assert foreign.read() == data
    blocks = sum(max(1, -(-length // 2**17)) for length in (min(size, 2**20), size - 2**20))
    assert len(file) <= size + 200 + 3 * blocks


def test_a_chunk_that_packs_somewhere_is_packed() -> None:
    for text in (0, 5):
        data = b"".join(bytes(2**17) if part == text else noise(2**17, part) for part in range(8))
        file = file_of(data, large.CHUNK_SIZE, pieces=300_000)
        assert whole(file, data) == data
        assert len(file) < 7.1 * 2**17


def attempt(read: Callable[[], bytes]) -> bytes | IntegrityError:
    try:
        return read()
    except IntegrityError as error:
        return error


@pytest.mark.parametrize("read", [whole, by_reading])
def test_no_flipped_bit_gives_wrong_bytes(read: Callable[[bytes, bytes], bytes]) -> None:
    file = file_of(TEXT)
    undetected = 0
    for place in range(len(file)):
        for mask in (0x01, 0x80, 0xFF):
            flipped = bytearray(file)
            flipped[place] ^= mask
            outcome = attempt(partial(read, bytes(flipped), TEXT))
            if isinstance(outcome, IntegrityError):
                assert large_name(Digest.of(TEXT)) in outcome.message
            else:
                assert outcome == TEXT
                undetected += 1
    assert undetected < len(file) // 10


def test_no_truncated_or_longer_file_is_accepted() -> None:
    file = file_of(TEXT)
    for length in range(len(file)):
        with pytest.raises(IntegrityError):
            reader(file[:length], TEXT)
    for longer in (file + b"\0", b"\0" + file, file + file):
        with pytest.raises(IntegrityError):
            reader(longer, TEXT)


def forged(**changes: object) -> bytes:
    """A file whose footer has a right checksum over something untrue."""
    file = file_of(TEXT)
    footer = large.read_footer(io.BytesIO(file), Digest.of(TEXT))
    fields = {
        "digest": footer.digest,
        "size": footer.size,
        "chunk_size": footer.chunk_size,
        "rows": footer.rows,
    } | changes
    frames = file[: len(file) - len(footer.encode())]
    return frames + large.Footer(**fields).encode()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changes",
    [
        {"digest": Digest.of(b"other")},
        {"size": len(TEXT) + CHUNK},
        {"size": 0},
        {"size": 2**63},
        {"chunk_size": 0},
        {"chunk_size": 2**31, "size": 2**31 + 2},
        {"rows": b""},
        {"rows": large.row(2**32 - 1, bytes(32)) * 5},
    ],
)
def test_a_footer_that_contradicts_the_file_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(IntegrityError):
        reader(forged(**changes), TEXT)


@pytest.mark.parametrize(
    "changes", [{"size": len(TEXT) - 1}, {"size": len(TEXT) + 1}, {"chunk_size": CHUNK + 1}]
)
def test_chunks_of_another_length_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(IntegrityError, match="chunk"):
        whole(forged(**changes), TEXT)


def test_chunks_that_are_not_the_content_fail_their_sha256() -> None:
    other = bytes(len(TEXT))
    file = file_of(other)
    footer = large.read_footer(io.BytesIO(file), Digest.of(other))
    lie = large.Footer(Digest.of(TEXT), footer.size, footer.chunk_size, footer.rows)
    file = file[: len(file) - len(footer.encode())] + lie.encode()
    with pytest.raises(IntegrityError, match="SHA-256"):
        whole(file, TEXT)


def test_a_frame_that_claims_to_be_huge_takes_no_memory() -> None:
    bomb = zstandard.ZstdCompressor().compress(bytes(30 * 2**20))
    rows = large.row(len(bomb), bytes(32))
    for size in (CHUNK, 30 * 2**20):
        footer = large.Footer(Digest.of(b"x"), size, size, rows).encode()
        with pytest.raises(IntegrityError):
            by_reading(bomb + footer, b"x")


def test_a_closed_reader_refuses_and_has_closed_its_file() -> None:
    file = io.BytesIO(file_of(TEXT))
    opened = LargeReader(file, Digest.of(TEXT))
    opened.close()
    opened.close()
    assert file.closed
    for use in (opened.tell, lambda: opened.seek(0), lambda: opened.readinto(bytearray(1))):
        with pytest.raises(ValueError, match="closed"):
            use()


def test_a_file_that_cannot_be_opened_is_closed() -> None:
    file = io.BytesIO(b"no large object")
    with pytest.raises(IntegrityError):
        LargeReader(file, Digest.of(TEXT))
    assert file.closed


@pytest.mark.parametrize(("offset", "whence"), [(-1, 0), (-1, 1), (-len(TEXT) - 1, 2), (0, 9)])
def test_no_seek_before_the_start(offset: int, whence: int) -> None:
    with reader(file_of(TEXT), TEXT) as opened:
        with pytest.raises(ValueError, match="cannot seek"):
            opened.seek(offset, whence)
        assert opened.tell() == 0


@given(
    data=st.binary(max_size=300),
    chunk_size=st.integers(1, 100),
    steps=st.lists(st.tuples(st.integers(0, 350), st.integers(0, 350)), max_size=8),
)
@example(data=b"", chunk_size=1, steps=[(0, 1), (5, 5)])
def test_it_reads_like_the_bytes_themselves(
    data: bytes, chunk_size: int, steps: list[tuple[int, int]]
) -> None:
    model = io.BytesIO(data)
    file = file_of(data, chunk_size, pieces=37)
    with io.BufferedReader(reader(file, data), buffer_size=32) as opened:
        for place, length in steps:
            assert opened.seek(place) == model.seek(place)
            assert opened.read(length) == model.read(length)
            assert opened.tell() == model.tell()
            assert opened.seek(0, io.SEEK_CUR) == model.tell()
        assert opened.seek(0, io.SEEK_END) == len(data)
