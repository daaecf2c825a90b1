"""The growth of a log: what it writes, however it came to its size."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aivcs.domain import merkle, tiles
from aivcs.domain.tile_edge import Edge
from aivcs.domain.tiles import WIDTH, Tile
from aivcs.errors import CorruptionError, InvalidInputError
from tests.tlog.logs import Log, entries

SIZES = (0, 1, 2, 3, 254, 255, 256, 257, 511, 512, 513, 1000)


@pytest.mark.parametrize("size", SIZES)
def test_the_root_is_the_one_of_the_tree(size: int) -> None:
    edge, _ = Edge().grown(entries(0, size))
    leaves = [merkle.leaf_hash(entry) for entry in entries(0, size)]
    assert edge.root() == merkle.root(leaves)
    assert Log(size).edge == edge


def test_the_roots_at_all_sizes_to_600() -> None:
    edge, frontier = Edge(), merkle.Frontier()
    for number in range(600):
        assert edge.root() == frontier.root()
        (entry,) = entries(number, number + 1)
        edge, _ = edge.grown([entry])
        frontier = frontier.grown([merkle.leaf_hash(entry)])


@given(st.lists(st.integers(0, 700), min_size=1, max_size=6))
@settings(max_examples=30)
def test_the_files_do_not_depend_on_the_steps(sizes: list[int]) -> None:
    sizes.sort()
    log = Log()
    for since, size in zip([0, *sizes], sizes, strict=False):
        written = log.grow(size)
        assert set(written) == {tile.path for tile in tiles.tiles(size, since)}
    size = sizes[-1]
    at_once = Log(size).files
    assert {path: log.files[path] for path in at_once} == at_once
    assert set(at_once) == {tile.path for tile in tiles.tiles(size)}


def test_growth_over_several_levels_in_portions() -> None:
    size = WIDTH * WIDTH + 3 * WIDTH + 5
    log = Log(size, step=WIDTH * 100)
    whole, full = Edge().grown(entries(0, size))
    assert log.edge == whole
    assert {file.path for file in full} == {
        tile.path for tile in tiles.tiles(size) if tile.width == WIDTH
    }
    assert all(log.files[path] == data for path, data in full)
    assert [file.path for file in whole.partials()] == [
        "tile/entries/259.p/5",
        "tile/0/259.p/5",
        "tile/1/001.p/3",
        "tile/2/000.p/1",
    ]
    assert [file.path for file in whole.partials(size - 1)] == [
        "tile/entries/259.p/5",
        "tile/0/259.p/5",
    ]
    assert list(whole.partials(size)) == []


def test_growth_reads_only_the_edge() -> None:
    log = Log(WIDTH * WIDTH + WIDTH + 1)
    log.reads.clear()
    log.grow(log.edge.size + 1)
    assert log.reads == [
        "tile/0/257.p/1",
        "tile/1/001.p/1",
        "tile/2/000.p/1",
        "tile/entries/257.p/1",
    ]


def test_a_partial_tile_may_have_been_replaced_by_the_full_one() -> None:
    log, later = Log(5), Log(300)
    only_full = {tile.path: later.files[tile.path] for tile in (Tile(0, 0), Tile(-1, 0))}
    assert Edge.read(5, only_full.get) == log.edge


def test_an_entry_that_is_too_long_is_refused_before_anything_is_made() -> None:
    with pytest.raises(InvalidInputError, match="an entry of 65536 bytes"):
        Edge().grown([b"short", bytes(65_536)])


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("tile/0/001.p/44", "the log has no tile tile/0/001.p/44"),
        ("tile/1/000.p/1", "the log has no tile tile/1/000.p/1"),
        ("tile/entries/001.p/44", "the log has no bundle tile/entries/001.p/44"),
    ],
)
def test_a_missing_file_is_named(path: str, message: str) -> None:
    log = Log(300)
    del log.files[path]
    with pytest.raises(CorruptionError, match=message) as caught:
        Edge.read(300, log.files.get)
    assert caught.value.hint


def test_a_bundle_that_is_not_of_the_tree_is_named() -> None:
    log = Log(300)
    path = "tile/entries/001.p/44"
    log.files[path] = log.files[path].replace(b'{"seq":260}', b'{"seq":261}')
    with pytest.raises(CorruptionError, match=f"{path} is damaged: entry 260 is not the one"):
        Edge.read(300, log.files.get)
