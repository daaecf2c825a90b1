"""Our Merkle tree beside the vectors of RFC 6962's first program, and beside pymerkle."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree, verify_consistency

from aivcs.domain import merkle
from aivcs.domain.merkle import EMPTY_ROOT, Frontier, leaf_hash, node_hash

DATA = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
LEAVES = [leaf_hash(data) for data in DATA]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
}
CONSISTENCY = {
    (1, 1): [],
    (1, 8): INCLUSION[0, 8],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
MOST = 300


def _leaves(count: int) -> list[bytes]:
    return [leaf_hash(b"%d" % number) for number in range(count)]


@pytest.mark.parametrize("size", range(len(ROOTS)))
def test_the_published_roots(size: int) -> None:
    assert merkle.root(LEAVES[:size]).hex() == ROOTS[size]
    assert Frontier().grown(LEAVES[:size]).root().hex() == ROOTS[size]


@pytest.mark.parametrize(("place", "path"), INCLUSION.items())
def test_the_published_inclusion_paths(place: tuple[int, int], path: list[str]) -> None:
    index, size = place
    assert [part.hex() for part in merkle.inclusion_path(LEAVES[:size], index)] == path


@pytest.mark.parametrize(("sizes", "path"), CONSISTENCY.items())
def test_the_published_consistency_paths(sizes: tuple[int, int], path: list[str]) -> None:
    old, new = sizes
    assert [part.hex() for part in merkle.consistency_path(LEAVES[:new], old)] == path


def test_the_consistency_example_of_the_standard() -> None:
    a, b, c, d, e, f, j = _leaves(7)
    g, h, i = node_hash(a, b), node_hash(c, d), node_hash(e, f)
    k = node_hash(g, h)
    leaves = [a, b, c, d, e, f, j]
    assert merkle.consistency_path(leaves, 3) == [c, d, g, node_hash(i, j)]
    assert merkle.consistency_path(leaves, 4) == [node_hash(i, j)]
    assert merkle.consistency_path(leaves, 6) == [i, j, k]
    assert merkle.inclusion_path(leaves, 6) == [i, k]


def test_a_foreign_tree_has_the_same_leaves_roots_and_paths() -> None:
    data = [b"entry %d" % number for number in range(70)]
    leaves = [leaf_hash(one) for one in data]
    foreign = InmemoryTree.init_from_entries(data)
    assert foreign.get_root(0) == EMPTY_ROOT
    for size in range(1, len(data) + 1):
        assert foreign.get_leaf(size) == leaves[size - 1]
        assert foreign.get_root(size) == merkle.root(leaves[:size])
        for index in range(size):
            proof = foreign.prove_inclusion(index + 1, size)
            path = merkle.inclusion_path(leaves[:size], index)
            assert proof.path == [leaves[index], *path]


def test_growth_is_proved_over_the_foreign_roots_and_the_foreign_proof_over_ours() -> None:
    data = [b"entry %d" % number for number in range(33)]
    leaves = [leaf_hash(one) for one in data]
    foreign = InmemoryTree.init_from_entries(data)
    for new in range(1, len(data) + 1):
        for old in range(1, new + 1):
            path = merkle.consistency_path(leaves[:new], old)
            assert merkle.verify_consistency(
                old, new, foreign.get_root(old), foreign.get_root(new), path
            )
            before, after = merkle.root(leaves[:old]), merkle.root(leaves[:new])
            verify_consistency(before, after, foreign.prove_consistency(old, new))


@given(st.integers(0, MOST), st.integers(0, MOST))
def test_a_frontier_grows_as_the_tree_does(first: int, more: int) -> None:
    leaves = _leaves(first + more)
    start = Frontier().grown(leaves[:first])
    grown = Frontier.unpacked(start.size, start.packed()).grown(iter(leaves[first:]))
    assert grown == Frontier().grown(leaves)
    assert grown.root() == merkle.root(leaves)
    assert len(grown.packed()) == 32 * grown.size.bit_count()


@pytest.mark.parametrize(("size", "length"), [(-1, 32), (0, 32), (3, 32), (3, 65), (4, 0)])
def test_bytes_that_are_no_frontier(size: int, length: int) -> None:
    with pytest.raises(ValueError, match=f"{length} bytes are no frontier of {size} leaves"):
        Frontier.unpacked(size, bytes(length))


@given(st.data())
def test_inclusion_holds_and_nothing_else_does(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, MOST))
    index = data.draw(st.integers(0, size - 1))
    leaves = _leaves(size)
    top, path = merkle.root(leaves), merkle.inclusion_path(leaves, index)
    assert merkle.verify_inclusion(leaves[index], index, size, path, top)
    other = data.draw(st.integers(0, size + 3).filter(lambda value: value != index))
    assert not merkle.verify_inclusion(leaves[index], other, size, path, top)
    assert not merkle.verify_inclusion(leaf_hash(b"forged"), index, size, path, top)
    assert not merkle.verify_inclusion(leaves[index], index, size, path, leaf_hash(b"forged"))
    assert not merkle.verify_inclusion(leaves[index], index, size, [*path, top], top)
    if path:
        spoiled = _flipped(path, data)
        assert not merkle.verify_inclusion(leaves[index], index, size, spoiled, top)
        assert not merkle.verify_inclusion(leaves[index], index, size, path[:-1], top)


@given(st.data())
def test_consistency_holds_and_nothing_else_does(data: st.DataObject) -> None:
    new = data.draw(st.integers(1, MOST))
    old = data.draw(st.integers(0, new))
    leaves = _leaves(new)
    before, after = merkle.root(leaves[:old]), merkle.root(leaves)
    path = merkle.consistency_path(leaves, old)
    forged = leaf_hash(b"forged")
    assert merkle.verify_consistency(old, new, before, after, path)
    assert not merkle.verify_consistency(old, new, forged, after, path)
    assert not merkle.verify_consistency(old, new, before, after, [*path, forged])
    if old:
        assert not merkle.verify_consistency(old, new, before, forged, path)
    if old != new:
        assert not merkle.verify_consistency(new, old, after, before, path)
    if path:
        assert not merkle.verify_consistency(old, new, before, after, _flipped(path, data))
        assert not merkle.verify_consistency(old, new, before, after, path[:-1])
        assert not merkle.verify_consistency(old, new, before, after, [])


def _flipped(path: list[bytes], data: st.DataObject) -> list[bytes]:
    place = data.draw(st.integers(0, len(path) - 1))
    bit = data.draw(st.integers(0, 255))
    value = int.from_bytes(path[place], "big") ^ 1 << bit
    return [*path[:place], value.to_bytes(32, "big"), *path[place + 1 :]]


HASHES = st.binary(min_size=31, max_size=33)
GARBAGE = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), HASHES, st.lists(HASHES)
)


@given(GARBAGE, GARBAGE, GARBAGE, GARBAGE, GARBAGE)
def test_garbage_proves_nothing(a: Any, b: Any, c: Any, d: Any, e: Any) -> None:
    assert not merkle.verify_inclusion(c, a, b, e, d)
    assert not merkle.verify_consistency(a, b, c, d, e)


@given(st.integers(), st.integers(), HASHES, HASHES, st.lists(HASHES, max_size=70))
def test_random_paths_prove_nothing(a: int, b: int, c: bytes, d: bytes, path: list[bytes]) -> None:
    trivial = c == d and not path
    assert not merkle.verify_inclusion(c, a, b, path, d) or (trivial and b == 1)
    assert not merkle.verify_consistency(a, b, c, d, path) or (trivial and a == b)


@pytest.mark.parametrize("index", [-1, 3, 4])
def test_a_leaf_that_is_not_there_has_no_path(index: int) -> None:
    with pytest.raises(IndexError, match=f"no leaf {index} among 3"):
        merkle.inclusion_path(LEAVES[:3], index)


@pytest.mark.parametrize("size", [-1, 4])
def test_a_tree_that_never_was_has_no_path(size: int) -> None:
    with pytest.raises(IndexError, match=f"never had {size}"):
        merkle.consistency_path(LEAVES[:3], size)


def test_an_empty_tree_is_the_beginning_of_every_tree() -> None:
    top = merkle.root(LEAVES)
    assert merkle.verify_consistency(0, 8, EMPTY_ROOT, top, [])
    assert merkle.verify_consistency(0, 0, EMPTY_ROOT, EMPTY_ROOT, [])
    assert not merkle.verify_consistency(0, 0, top, top, [])
    assert hashlib.sha256().digest() == EMPTY_ROOT
