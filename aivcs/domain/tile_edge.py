"""The right edge of a public log: what is open there, and the files its growth writes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from aivcs.domain import merkle, tiles
from aivcs.domain.merkle import Frontier
from aivcs.domain.tiles import BITS, ENTRIES, REBUILD, WIDTH, Tile, damaged
from aivcs.errors import CorruptionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aivcs.domain.tiles import Read


class File(NamedTuple):
    """A file of a log: its path below the log's prefix, and its bytes."""

    path: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Edge:
    """The partial tiles and the partial bundle of a log of ``size`` entries.

    ``levels`` are the hashes of the open tile of each level, level 0 first; ``bundle`` is the
    open bundle; ``tree`` is the edge of the tree itself. It is as small for a long log
    as for a short one.
    """

    size: int = 0
    levels: tuple[tuple[bytes, ...], ...] = ()
    bundle: bytes = b""
    tree: Frontier = field(default_factory=Frontier)

    @classmethod
    def read(cls, size: int, read: Read) -> Edge:
        """Read it from the files of a log of ``size``.

        Raises CorruptionError naming a file that is missing, has not its size, or a bundle
        that disagrees with its tile. Whether the tiles are right shows in ``root``.
        """
        levels = read_levels(size, read)
        width = size % WIDTH
        bundle = read_bundle(Tile(ENTRIES, size >> BITS, width), levels[0], read) if width else ()
        peaks = [peak for row in reversed(levels) for peak in Frontier().grown(row).peaks]
        return cls(size, levels, tiles.join_entries(bundle), Frontier(size, tuple(peaks)))

    def root(self) -> bytes:
        """Return the root of the tree."""
        return self.tree.root()

    def grown(self, entries: Iterable[bytes]) -> tuple[Edge, list[File]]:
        """Return the edge after more entries, and the tiles and bundles that became full.

        What stays open is told by ``partials``. Many entries are best given in portions.
        Raises InvalidInputError for an entry over 65,535 bytes.
        """
        new = [tiles.check_entry(entry) for entry in entries]
        bundle, at = self.bundle, 0
        files: list[File] = []
        while len(new) - at >= (room := WIDTH - (self.size + at) % WIDTH):
            bundle += tiles.join_entries(new[at : at + room])
            files.append(File(Tile(ENTRIES, (self.size + at) >> BITS).path, bundle))
            bundle, at = b"", at + room
        bundle += tiles.join_entries(new[at:])
        levels: list[tuple[bytes, ...]] = []
        hashes = [merkle.leaf_hash(entry) for entry in new]
        tree = self.tree.grown(hashes)
        while hashes or len(levels) < len(self.levels):
            level = len(levels)
            hashes = [*(self.levels[level] if level < len(self.levels) else ()), *hashes]
            first, full = self.size >> BITS * (level + 1), len(hashes) // WIDTH
            above: list[bytes] = []
            for number in range(full):
                part = hashes[number * WIDTH : (number + 1) * WIDTH]
                files.append(File(Tile(level, first + number).path, tiles.join_hashes(part)))
                above.append(merkle.root(part))
            levels.append(tuple(hashes[full * WIDTH :]))
            hashes = above
        return Edge(tree.size, tuple(levels), bundle, tree), files

    def part(self, tile: Tile) -> bytes | None:
        """Return what a partial tile or bundle has when it is of this log, else None."""
        if tile.number != self.size >> BITS * (max(tile.level, 0) + 1):
            return None
        width = (self.size >> BITS * max(tile.level, 0)) % WIDTH
        if tile.width > width:
            return None
        if tile.level != ENTRIES:
            return tiles.join_hashes(self.levels[tile.level][: tile.width])
        if tile.width == width:
            return self.bundle
        entries = tiles.split_entries(tile._replace(width=width), self.bundle)
        return tiles.join_entries(entries[: tile.width])

    def partials(self, since: int = 0) -> Iterator[File]:
        """Yield the partial bundle and tiles that the log did not have at size ``since``."""
        for tile in tiles.tiles(self.size, since):
            if tile.width < WIDTH and (data := self.part(tile)) is not None:
                yield File(tile.path, data)


def levels_root(levels: Iterable[tuple[bytes, ...]]) -> bytes:
    """Return the root of a tree by the open tiles of all its levels, level 0 first."""
    below: tuple[bytes, ...] = ()
    for hashes in levels:
        # What is open below stands to the right of the full subtrees.
        row = (*hashes, *below)
        below = (merkle.root(row),) if row else ()
    return below[0] if below else merkle.EMPTY_ROOT


def read_levels(size: int, read: Read) -> tuple[tuple[bytes, ...], ...]:
    """Return the hashes of the open tile of each level; CorruptionError as ``read_hashes``."""
    levels: list[tuple[bytes, ...]] = []
    while count := size >> BITS * len(levels):
        tile = Tile(len(levels), count >> BITS, count % WIDTH)
        levels.append(read_hashes(tile, read) if tile.width else ())
    return tuple(levels)


def read_hashes(tile: Tile, read: Read) -> tuple[bytes, ...]:
    """Return the hashes of a tile; CorruptionError where it is missing or not of its size."""
    found = _found(tile, read)
    return tiles.split_hashes(*found)[: tile.width]


def read_bundle(tile: Tile, leaves: tuple[bytes, ...], read: Read) -> tuple[bytes, ...]:
    """Return the entries of a bundle whose leaves have these hashes, else CorruptionError."""
    found, data = _found(tile, read)
    entries = tiles.split_entries(found, data)[: tile.width]
    for place, (entry, leaf) in enumerate(zip(entries, leaves, strict=True)):
        if merkle.leaf_hash(entry) != leaf:
            which = (tile.number << BITS) + place
            raise damaged(found, f"entry {which} is not the one that the tree has")
    return entries


def _found(tile: Tile, read: Read) -> tuple[Tile, bytes]:
    """Return a tile's bytes; a partial one may have been replaced by the full one."""
    for one in dict.fromkeys((tile, tile._replace(width=WIDTH))):
        data = read(one.path)
        if data is not None:
            return one, data
    kind = "bundle" if tile.level == ENTRIES else "tile"
    msg = f"the log has no {kind} {tile.path}"
    raise CorruptionError(msg, hint=REBUILD)
