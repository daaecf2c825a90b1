"""Paths and bytes of tiles and bundles."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aivcs.domain import tiles
from aivcs.domain.tiles import ENTRIES, MAX_ENTRY, WIDTH, Tile
from aivcs.errors import CorruptionError, InvalidInputError

PATHS = {
    Tile(0, 0): "tile/0/000",
    Tile(0, 0, 1): "tile/0/000.p/1",
    Tile(3, 999): "tile/3/999",
    Tile(1, 1000, 255): "tile/1/x001/000.p/255",
    Tile(63, 1234067): "tile/63/x001/x234/067",
    Tile(ENTRIES, 1234067, 7): "tile/entries/x001/x234/067.p/7",
}
NOT_PATHS = (
    "", "tile/0", "tile/0/", "tile/0/0", "tile/0/0000", "tile/00/000", "tile/64/000", "tile/-1/000",
    "tile/data/000", "/tile/0/000", "tile/0/000/", "tile/0/001/000", "tile/0/x001",
    "tile/0/x000/001",
    "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p", "tile/0/000\n",
    "tile/0/\u0660\u0660\u0660", "tile/8/0/000", "tile/0/000.p/1/",
)  # fmt: skip


@pytest.mark.parametrize(("tile", "path"), PATHS.items())
def test_the_paths_of_the_specification(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert Tile.parse(path) == tile


@pytest.mark.parametrize("path", NOT_PATHS)
def test_what_is_no_path(path: str) -> None:
    with pytest.raises(InvalidInputError, match="not the path of a tile"):
        Tile.parse(path)


@given(st.builds(Tile, st.integers(-1, 63), st.integers(0, 2**55), st.integers(1, WIDTH)))
def test_every_tile_has_one_path(tile: Tile) -> None:
    assert Tile.parse(tile.path) == tile
    assert all(len(part) <= 7 for part in tile.path.split("/"))


def test_the_tiles_of_the_example_of_the_specification() -> None:
    found = list(tiles.tiles(70_000))
    assert Counter(tile.level for tile in found) == {ENTRIES: 274, 0: 274, 1: 2, 2: 1}
    assert [tile.path for tile in found if tile.width < WIDTH] == [
        "tile/entries/273.p/112",
        "tile/0/273.p/112",
        "tile/1/001.p/17",
        "tile/2/000.p/1",
    ]
    assert [tile.path for tile in tiles.tiles(256)] == [
        "tile/entries/000",
        "tile/0/000",
        "tile/1/000.p/1",
    ]
    assert list(tiles.tiles(0)) == []


def _every(size: int) -> set[Tile]:
    """The tiles of a log, by the words of the specification."""
    found = set()
    for level in range(ENTRIES, 4):
        count = size // 256 ** max(level, 0)
        for index in range(count // 256 + 1):
            if width := min(256, count - 256 * index):
                found.add(Tile(level, index, width))
    return found


@given(st.integers(0, 70_000), st.integers(0, 70_000))
def test_growth_writes_what_the_log_did_not_have(one: int, other: int) -> None:
    since, size = sorted((one, other))
    new = list(tiles.tiles(size, since))
    assert len(set(new)) == len(new)
    assert set(new) == _every(size) - _every(since)
    outgrown = set(tiles.outgrown(size, since))
    assert {f"{tile.stem}.p" for tile in new if tile.width == WIDTH} == outgrown


def test_what_is_outgrown_is_the_folder_of_partial_tiles() -> None:
    assert list(tiles.outgrown(255, 3)) == []
    assert list(tiles.outgrown(256, 3)) == ["tile/entries/000.p", "tile/0/000.p"]
    assert Tile(0, 0, 200).path.startswith("tile/0/000.p/")


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=WIDTH))
def test_a_bundle_is_read_as_it_was_written(entries: list[bytes]) -> None:
    tile = Tile(ENTRIES, 0, len(entries))
    assert tiles.split_entries(tile, tiles.join_entries(entries)) == tuple(entries)


def test_a_bundle_has_lengths_of_two_bytes() -> None:
    assert tiles.join_entries([b"", b"abc", bytes(258)]) == (
        b"\0\0" + b"\0\3abc" + b"\1\2" + bytes(258)
    )


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "it has 0 entries instead of 2"),
        (b"\0", "it is cut off in entry 0 of 2"),
        (b"\0\3ab", "it is cut off in entry 0 of 2"),
        (b"\0\1a", "it has 1 entries instead of 2"),
        (b"\0\1a\0", "it is cut off in entry 1 of 2"),
        (b"\0\1a\0\0\0", "1 bytes follow its 2 entries"),
        (b"\0\1a\0\0\0\0", "2 bytes follow its 2 entries"),
    ],
)
def test_a_damaged_bundle_is_named(data: bytes, what: str) -> None:
    with pytest.raises(CorruptionError, match=f"bundle tile/entries/000.p/2 is damaged: {what}"):
        tiles.split_entries(Tile(ENTRIES, 0, 2), data)


@pytest.mark.parametrize("size", [0, 31, 63, 65, 96])
def test_a_tile_has_its_size(size: int) -> None:
    with pytest.raises(CorruptionError, match=f"it has {size} bytes instead of 64"):
        tiles.split_hashes(Tile(0, 0, 2), bytes(size))
    assert tiles.split_hashes(Tile(0, 0, 2), bytes(64)) == (bytes(32), bytes(32))


def test_an_entry_has_at_most_65535_bytes() -> None:
    longest = bytes(MAX_ENTRY)
    assert tiles.check_entry(longest) is longest
    joined = tiles.join_entries([longest])
    assert tiles.split_entries(Tile(ENTRIES, 0, 1), joined) == (longest,)
    with pytest.raises(InvalidInputError, match="an entry of 65536 bytes"):
        tiles.check_entry(bytes(MAX_ENTRY + 1))
