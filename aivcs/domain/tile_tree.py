"""A public log read through its tiles: proofs by few reads, and nothing believed unchecked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.domain import merkle
from aivcs.domain.merkle import node_hash
from aivcs.domain.tile_edge import levels_root, read_bundle, read_hashes, read_levels
from aivcs.domain.tiles import BITS, ENTRIES, REBUILD, WIDTH, Tile, damaged
from aivcs.errors import CorruptionError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aivcs.domain.tiles import Read

_KEPT: Final = 64


class TileTree:
    """The tree of a log of ``size`` entries under ``root``, its files read by ``read``.

    The tiles at the right edge must give the root; each other tile the hash that the tile
    above has of it, and each bundle the leaves of its tile. A file that is missing or does
    not fit raises CorruptionError, at the latest when it is needed.
    """

    def __init__(self, size: int, root: bytes, read: Read) -> None:
        """Read the right edge, about log256(size) tiles, and check it."""
        self.size = size
        self.root = root
        self._read = read
        self._edge = read_levels(size, read)
        self._kept: dict[tuple[int, int], tuple[bytes, ...]] = {}
        if levels_root(self._edge) != root:
            edge = [
                Tile(level, size >> BITS * (level + 1), len(hashes)).path
                for level, hashes in enumerate(self._edge)
                if hashes
            ]
            msg = f"{' and '.join(edge) or 'no tiles'} do not give the root of the checkpoint"
            raise CorruptionError(msg, hint=REBUILD)

    def leaf(self, index: int) -> bytes:
        """Return the hash of a leaf; IndexError if there is none."""
        self._check(index)
        return self._hashes(0, index >> BITS)[index % WIDTH]

    def bundle(self, number: int) -> tuple[bytes, ...]:
        """Return the entries from 256 * ``number`` on, at most 256; IndexError without any."""
        self._check(number << BITS)
        leaves = self._hashes(0, number)
        return read_bundle(Tile(ENTRIES, number, len(leaves)), leaves, self._read)

    def entry(self, index: int) -> bytes:
        """Return the data of a leaf; IndexError if there is none."""
        self._check(index)
        return self.bundle(index >> BITS)[index % WIDTH]

    def inclusion(self, index: int) -> list[bytes]:
        """Return the path from leaf ``index`` to the root; IndexError if there is no such leaf."""
        return self._path(merkle.inclusion_spans(index, self.size))

    def consistency(self, old_size: int) -> list[bytes]:
        """Return the path from an older tree to this one; IndexError if it was never that size."""
        return self._path(merkle.consistency_spans(old_size, self.size))

    def root_at(self, old_size: int) -> bytes:
        """Return the root that the log had at an older size; IndexError if it never had it."""
        merkle.consistency_spans(old_size, self.size)
        return self._span(0, old_size) if old_size else merkle.EMPTY_ROOT

    def _path(self, spans: Iterable[tuple[int, int]]) -> list[bytes]:
        return [self._span(low, high) for low, high in spans]

    def _span(self, low: int, high: int) -> bytes:
        """Return the root over the leaves from ``low``, a multiple of a larger power of two."""
        whole: list[bytes] = []
        while low < high:
            bits = (high - low).bit_length() - 1
            whole.append(self._subtree(bits, low >> bits))
            low += 1 << bits
        node = whole.pop()
        while whole:
            node = node_hash(whole.pop(), node)
        return node

    def _subtree(self, bits: int, number: int) -> bytes:
        """Return the root of the full subtree ``number`` among those of 2**``bits`` leaves."""
        level, rest = divmod(bits, BITS)
        first = number << rest
        hashes = self._hashes(level, first >> BITS)
        return merkle.root(hashes[first % WIDTH : first % WIDTH + (1 << rest)])

    def _hashes(self, level: int, number: int) -> tuple[bytes, ...]:
        """Return the hashes of a tile, checked against the tile above it."""
        if number == self.size >> BITS * (level + 1):
            return self._edge[level]
        kept = self._kept.get((level, number))
        if kept is not None:
            return kept
        tile = Tile(level, number)
        hashes = read_hashes(tile, self._read)
        if merkle.root(hashes) != self._hashes(level + 1, number >> BITS)[number % WIDTH]:
            raise damaged(tile, "its hashes do not give the one that the tile above has of it")
        if len(self._kept) >= _KEPT:
            self._kept.clear()
        self._kept[level, number] = hashes
        return hashes

    def _check(self, index: int) -> None:
        if not 0 <= index < self.size:
            msg = f"no leaf {index} among {self.size}"
            raise IndexError(msg)
