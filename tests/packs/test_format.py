"""The document, the program and the packs of earlier versions say the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aivcs.adapters.memory_blobs import MemoryBlobs
from aivcs.domain.blobname import pack_name
from aivcs.domain.digest import Digest
from aivcs.domain.stored import Pack
from aivcs.services.pack_format import BlockRow, Footer, object_row
from aivcs.services.pack_read import PackReader
from aivcs.services.pack_scan import scan_pack
from tests.packs.independent import Refused, read_pack
from tests.packs.packing import bytes_of, dictionary, packed, store_of, texts

GOLDEN = Path(__file__).parent.parent / "golden" / "packs"
PACKS = sorted(GOLDEN.glob("*.pack"))


def by_the_document(data: bytes) -> dict[str, bytes]:
    return read_pack(pack_name(Digest.of(data)), data)


def test_there_are_golden_packs() -> None:
    assert len(PACKS) >= 2


@pytest.mark.parametrize("path", PACKS, ids=lambda path: path.name[:8])
def test_packs_of_every_version_are_read(path: Path) -> None:
    pack = Digest.parse(path.stem)
    expected = json.loads((GOLDEN / f"{pack}.json").read_text(encoding="utf-8"))
    blobs = store_of(path.read_bytes(), pack)
    reader = PackReader(blobs)
    found = {str(digest): data for digest, data in reader.objects(pack)}
    assert {digest: data.decode("latin-1") for digest, data in found.items()} == expected  # type: ignore[union-attr]
    assert by_the_document(path.read_bytes()) == found
    assert scan_pack(blobs, reader, pack) == reader.footer(pack)


@pytest.mark.parametrize("with_dictionary", [False, True])
@pytest.mark.parametrize("block_size", [1, 300, 2**15])
def test_who_has_the_document_alone_reads_what_is_written(
    block_size: int, with_dictionary: bool
) -> None:
    blobs = MemoryBlobs()
    made = dictionary() if with_dictionary else None
    written = packed(texts(30), blobs, dictionary=made, block_size=block_size)
    data = bytes_of(blobs, written.new.pack.digest)
    assert by_the_document(data) == {str(Digest.of(text)): text for text in texts(30)}


def test_the_reader_of_the_document_refuses_every_flipped_byte() -> None:
    blobs = MemoryBlobs()
    pack = packed(texts(4), blobs, dictionary=dictionary(512), block_size=100).new.pack.digest
    data = bytearray(bytes_of(blobs, pack))
    for place in range(len(data)):
        data[place] ^= 0x11
        with pytest.raises(Refused):
            by_the_document(bytes(data))
        data[place] ^= 0x11


@pytest.mark.parametrize("sizes", [[], [[3, 0, 5]], [[1], [2, 2], [0, 9]]])
def test_columns_are_places_by_column(sizes: list[list[int]]) -> None:
    rows = b"".join(
        object_row(Digest.of(b"%d %d" % (n, m)), size)
        for n, block in enumerate(sizes)
        for m, size in enumerate(block)
    )
    blocks = tuple(BlockRow(16, 9, 9, len(block), bytes(16)) for block in sizes)
    pack = Pack(Digest.of(b"pack"), 9, sum(map(len, sizes)))
    footer = Footer(pack, blocks, rows)
    places = list(footer.places())
    assert footer.columns() == (tuple(zip(*places, strict=True)) or ((), (), (), ()))
