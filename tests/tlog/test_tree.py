"""Proofs that are computed from tiles."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aivcs.domain import merkle
from aivcs.domain.merkle import EMPTY_ROOT
from aivcs.domain.tile_tree import TileTree
from aivcs.domain.tiles import WIDTH
from aivcs.errors import CorruptionError
from tests.tlog.logs import Log, entries, entry

LARGE = WIDTH * WIDTH + 5 * WIDTH + 77


@pytest.fixture(scope="module")
def large() -> Log:
    return Log(LARGE)


@pytest.fixture(scope="module")
def leaves() -> list[bytes]:
    return [merkle.leaf_hash(one) for one in entries(0, LARGE)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 255, 256, 257, 600])
def test_the_paths_are_those_of_the_whole_tree(size: int, leaves: list[bytes]) -> None:
    tree = Log(size).tree()
    for index in range(size):
        assert tree.inclusion(index) == merkle.inclusion_path(leaves[:size], index)
        assert tree.leaf(index) == leaves[index]
    for old in range(size + 1):
        assert tree.consistency(old) == merkle.consistency_path(leaves[:size], old)
        assert tree.root_at(old) == merkle.root(leaves[:old])


@given(st.integers(0, LARGE - 1), st.integers(0, LARGE))
@settings(max_examples=25)
def test_the_paths_of_a_large_tree_hold(
    large: Log, leaves: list[bytes], index: int, old: int
) -> None:
    tree = large.tree()
    path = tree.inclusion(index)
    assert tree.entry(index) == entry(index)
    assert merkle.verify_inclusion(leaves[index], index, LARGE, path, tree.root)
    before = tree.root_at(old)
    assert before == merkle.root(leaves[:old])
    assert merkle.verify_consistency(old, LARGE, before, tree.root, tree.consistency(old))


def test_few_files_are_read(large: Log) -> None:
    large.reads.clear()
    tree = large.tree()
    assert len(large.reads) == 3
    tree.inclusion(1000)
    tree.consistency(1000)
    assert len(large.reads) <= 3 + 2
    tree.entry(1000)
    assert large.reads[-1] == "tile/entries/003"
    assert len(large.reads) <= 6


def test_all_bundles_in_turn(large: Log) -> None:
    tree = large.tree()
    found: list[bytes] = []
    for number in range(-(-LARGE // WIDTH)):
        found += tree.bundle(number)
    assert found == entries(0, LARGE)


def test_the_empty_log() -> None:
    tree = TileTree(0, EMPTY_ROOT, lambda _: None)
    assert tree.root_at(0) == EMPTY_ROOT
    assert tree.consistency(0) == []
    with pytest.raises(CorruptionError, match="no tiles do not give the root"):
        TileTree(0, bytes(32), lambda _: None)


@pytest.mark.parametrize("index", [-1, 300, 512])
def test_a_leaf_that_is_not_there(index: int) -> None:
    tree = Log(300).tree()
    for ask in (tree.leaf, tree.entry, tree.inclusion):
        with pytest.raises(IndexError, match="among 300"):
            ask(index)
    with pytest.raises(IndexError, match="among 300"):
        tree.bundle(2)


@pytest.mark.parametrize("size", [-1, 301])
def test_a_size_that_never_was(size: int) -> None:
    tree = Log(300).tree()
    for ask in (tree.root_at, tree.consistency):
        with pytest.raises(IndexError, match="never had"):
            ask(size)


def test_another_root_is_refused() -> None:
    log = Log(300)
    with pytest.raises(CorruptionError, match=r"tile/0/001.p/44 and tile/1/000.p/1 do not give"):
        TileTree(300, bytes(32), log.read)


def test_a_full_tile_that_does_not_fit_is_named() -> None:
    log = Log(600)
    log.files["tile/0/001"], log.files["tile/0/000"] = (
        log.files["tile/0/000"],
        log.files["tile/0/001"],
    )
    tree = log.tree()
    assert tree.leaf(599) == merkle.leaf_hash(entry(599))
    for ask in (tree.leaf, tree.inclusion, tree.entry):
        with pytest.raises(CorruptionError, match="the tile tile/0/000 is damaged: its hashes"):
            ask(17)


def test_a_bundle_that_does_not_fit_is_named() -> None:
    log = Log(600)
    log.files["tile/entries/001"] = log.files["tile/entries/000"]
    with pytest.raises(CorruptionError, match="tile/entries/001 is damaged: entry 256 is not"):
        log.tree().entry(300)
    del log.files["tile/entries/001"]
    with pytest.raises(CorruptionError, match="the log has no bundle tile/entries/001"):
        log.tree().bundle(1)
