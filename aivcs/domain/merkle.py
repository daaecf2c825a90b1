"""The Merkle tree of RFC 6962 (RFC 9162, section 2.1) over SHA-256.

A leaf is ``H(0x00 || data)``, a node ``H(0x01 || left || right)``; the left side of a tree
of n leaves is the largest full tree of fewer than n. A root stands for all leaves and
their order; a path shows with about log2(n) hashes that a leaf is in the tree, or that a
tree begins with an older one. All hashes are 32 bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HASH_SIZE: Final = 32
EMPTY_ROOT: Final = sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf that stands for ``data``."""
    return sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node above two others."""
    return sha256(b"\1" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """The right edge of a tree of ``size`` leaves: all that is needed to grow it.

    ``peaks`` are the roots of its full subtrees, the largest first: one for each bit that
    is set in ``size``.
    """

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def grown(self, leaves: Iterable[bytes]) -> Frontier:
        """Return the frontier after more leaves, given as leaf hashes."""
        larger, smaller = list(self.peaks), []
        nodes = list(leaves)
        size = self.size + len(nodes)
        # Level by level: a peak of this level comes before the nodes, one left over is a peak.
        level = self.size
        while nodes:
            if level & 1:
                nodes.insert(0, larger.pop())
            if len(nodes) & 1:
                smaller.append(nodes.pop())
            pairs = iter(nodes)
            nodes = [
                sha256(b"\1" + one + two).digest() for one, two in zip(pairs, pairs, strict=True)
            ]
            level >>= 1
        return Frontier(size, (*larger, *reversed(smaller)))

    def root(self) -> bytes:
        """Return the root of the tree; of an empty one the SHA-256 of nothing."""
        if not self.peaks:
            return EMPTY_ROOT
        *rest, node = self.peaks
        for peak in reversed(rest):
            node = node_hash(peak, node)
        return node

    def packed(self) -> bytes:
        """Return the peaks, joined: 32 bytes for each."""
        return b"".join(self.peaks)

    @classmethod
    def unpacked(cls, size: int, data: bytes) -> Frontier:
        """Return the frontier that ``packed`` gave for ``size``; ValueError if it cannot be."""
        if size < 0 or len(data) != HASH_SIZE * size.bit_count():
            msg = f"{len(data)} bytes are no frontier of {size} leaves"
            raise ValueError(msg)
        return cls(size, tuple(data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)))


def root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes."""
    return Frontier().grown(leaves).root()


def inclusion_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the hashes beside the way from leaf ``index`` up to the root, the lowest first.

    IndexError if there is no such leaf.
    """
    return [root(leaves[low:high]) for low, high in inclusion_spans(index, len(leaves))]


def inclusion_spans(index: int, size: int) -> list[tuple[int, int]]:
    """Return which leaves, from and before, each hash of an inclusion path stands for.

    IndexError if there is no such leaf.
    """
    if not 0 <= index < size:
        msg = f"no leaf {index} among {size}"
        raise IndexError(msg)
    spans: list[tuple[int, int]] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _left(high - low)
        if index < middle:
            spans.append((middle, high))
            high = middle
        else:
            spans.append((low, middle))
            low = middle
    return spans[::-1]


def consistency_path(leaves: Sequence[bytes], old_size: int) -> list[bytes]:
    """Return the hashes that show how the tree grew out of its first ``old_size`` leaves.

    Empty for the empty and for the whole tree. IndexError if the tree was never that size.
    """
    return [root(leaves[low:high]) for low, high in consistency_spans(old_size, len(leaves))]


def consistency_spans(old_size: int, size: int) -> list[tuple[int, int]]:
    """Return which leaves, from and before, each hash of a consistency path stands for.

    IndexError if the tree was never that size.
    """
    if not 0 <= old_size <= size:
        msg = f"a tree of {size} leaves never had {old_size}"
        raise IndexError(msg)
    if old_size in (0, size):
        return []
    spans: list[tuple[int, int]] = []
    low, high = 0, size
    while high != old_size:
        middle = low + _left(high - low)
        if old_size <= middle:
            spans.append((middle, high))
            high = middle
        else:
            spans.append((low, middle))
            low = middle
    # The subtree that ends the old tree: known to the verifier where it is all of it.
    if low:
        spans.append((low, high))
    return spans[::-1]


def verify_inclusion(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes
) -> bool:
    """Tell whether ``path`` shows leaf hash ``leaf`` at ``index`` under ``root``.

    Never raises: what is no proof proves nothing.
    """
    if not (_sizes(index, size) and index < size and _hashes([leaf, root], path)):
        return False
    node, last = leaf, size - 1
    for beside in path:
        if not last:
            return False
        if index & 1 or index == last:
            node = node_hash(beside, node)
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            node = node_hash(node, beside)
        index, last = index >> 1, last >> 1
    return not last and node == root


def verify_consistency(
    old_size: int, new_size: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]
) -> bool:
    """Tell whether ``path`` shows that the new tree begins with the old one.

    Every tree begins with the empty one. Never raises: what is no proof proves nothing.
    """
    if not (_sizes(old_size, new_size) and _hashes([old_root, new_root], path)):
        return False
    if old_size == new_size:
        return not path and old_root == new_root and (old_size > 0 or old_root == EMPTY_ROOT)
    if old_size == 0:
        return not path and old_root == EMPTY_ROOT
    if old_size > new_size:
        return False
    return _grows(old_size, new_size, path, old_root) == new_root


def _grows(old_size: int, new_size: int, path: Sequence[bytes], old_root: bytes) -> bytes | None:
    """Return the new root that follows, or None where the path does not give the old one."""
    hashes = list(path) if old_size & (old_size - 1) else [old_root, *path]
    if not hashes:
        return None
    place, last = old_size - 1, new_size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old = new = hashes[0]
    for beside in hashes[1:]:
        if not last:
            return None
        if place & 1 or place == last:
            old, new = node_hash(beside, old), node_hash(beside, new)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            new = node_hash(new, beside)
        place, last = place >> 1, last >> 1
    return new if not last and old == old_root else None


def _left(size: int) -> int:
    """Return the size of the left side of a tree: the largest power of two below ``size``."""
    return 1 << (size - 1).bit_length() - 1


def _sizes(*values: object) -> bool:
    return all(type(value) is int and value >= 0 for value in values)


def _hashes(ends: list[bytes], path: object) -> bool:
    return isinstance(path, list | tuple) and all(
        isinstance(value, bytes) and len(value) == HASH_SIZE for value in [*ends, *path]
    )
