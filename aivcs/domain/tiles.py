"""The files of a public log, as C2SP's ``tlog-tiles`` has them: their paths and their bytes.

A hash tile holds 256 hashes that stand side by side in the Merkle tree: at level 0 those of
leaves, at level l those of subtrees of 256**l leaves. An entry bundle holds the data of 256
leaves, each after its length in two bytes. The last of a level is partial until it is full,
and its path says how wide it is. Contract: https://c2sp.org/tlog-tiles.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from aivcs.domain.merkle import HASH_SIZE
from aivcs.errors import CorruptionError, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Read: TypeAlias = "Callable[[str], bytes | None]"
"""Gives the bytes of the file at a path of the log, None where there is none."""

BITS: Final = 8
WIDTH: Final = 1 << BITS
ENTRIES: Final = -1
"""The level of entry bundles."""

MAX_LEVEL: Final = 63
MAX_ENTRY: Final = 65_535
_LENGTH: Final = 2
_PATH: Final = re.compile(
    r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([0-9]{1,3}))?"
)
REBUILD: Final = "the files of the log can be written anew from the ledger"


class Tile(NamedTuple):
    """A hash tile, or an entry bundle where ``level`` is ``ENTRIES``."""

    level: int
    number: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Return its path below the log's prefix: ``tile/<L>/<N>[.p/<W>]``."""
        part = "" if self.width == WIDTH else f".p/{self.width}"
        return f"{self.stem}{part}"

    @property
    def stem(self) -> str:
        """Return the path it has when it is full; ``<stem>.p`` is the folder of partial ones."""
        digits = f"{self.number:d}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        folders = "".join(f"x{group}/" for group in groups[:-1])
        level = "entries" if self.level == ENTRIES else f"{self.level:d}"
        return f"tile/{level}/{folders}{groups[-1]}"

    @classmethod
    def parse(cls, path: str) -> Tile:
        """Return the tile with this path; InvalidInputError for what is no tile's path."""
        found = _PATH.fullmatch(path)
        if found:
            level = ENTRIES if found[1] == "entries" else int(found[1])
            width = WIDTH if found[3] is None else int(found[3])
            tile = cls(level, int(found[2].replace("/", "").replace("x", "")), width)
            if level <= MAX_LEVEL and 0 < width <= WIDTH and tile.path == path:
                return tile
        msg = f"not the path of a tile: {path!r}"
        raise InvalidInputError(msg, hint="for example tile/0/x001/234.p/5 or tile/entries/000")


def tiles(size: int, since: int = 0) -> Iterator[Tile]:
    """Yield the tiles and bundles of a log of ``size`` that it did not have at size ``since``.

    Bundles first, then level by level; of each the last one may be partial.
    """
    level = ENTRIES
    while now := size >> BITS * max(level, 0):
        before = since >> BITS * max(level, 0)
        for number in range(before >> BITS, -(-now >> BITS) if now > before else 0):
            yield Tile(level, number, min(WIDTH, now - (number << BITS)))
        level += 1


def outgrown(size: int, since: int) -> Iterator[str]:
    """Yield the folders of partial tiles that are full at ``size`` and were not at ``since``.

    Whoever keeps the full tile need not keep what is in them.
    """
    for tile in tiles(size, since):
        if tile.width == WIDTH:
            yield f"{tile.stem}.p"


def join_hashes(hashes: Iterable[bytes]) -> bytes:
    """Return the bytes of a hash tile."""
    return b"".join(hashes)


def split_hashes(tile: Tile, data: bytes) -> tuple[bytes, ...]:
    """Return the hashes of a hash tile; CorruptionError where it has not its size."""
    if len(data) != tile.width * HASH_SIZE:
        raise damaged(tile, f"it has {len(data)} bytes instead of {tile.width * HASH_SIZE}")
    return tuple(data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE))


def check_entry(entry: bytes) -> bytes:
    """Return an entry that fits into a log; InvalidInputError for one over 65,535 bytes."""
    if len(entry) > MAX_ENTRY:
        msg = f"an entry of {len(entry)} bytes does not fit into a log"
        raise InvalidInputError(msg, hint=f"an entry has at most {MAX_ENTRY} bytes")
    return entry


def join_entries(entries: Iterable[bytes]) -> bytes:
    """Return the bytes of an entry bundle."""
    return b"".join([len(entry).to_bytes(_LENGTH, "big") + entry for entry in entries])


def split_entries(tile: Tile, data: bytes) -> tuple[bytes, ...]:
    """Return the entries of a bundle; CorruptionError unless it has just as many as it should."""
    entries: list[bytes] = []
    at = 0
    while at < len(data) and len(entries) < tile.width:
        start = at + _LENGTH
        at = start + int.from_bytes(data[at:start], "big")
        if start > len(data) or at > len(data):
            raise damaged(tile, f"it is cut off in entry {len(entries)} of {tile.width}")
        entries.append(data[start:at])
    if len(entries) < tile.width:
        raise damaged(tile, f"it has {len(entries)} entries instead of {tile.width}")
    if at < len(data):
        raise damaged(tile, f"{len(data) - at} bytes follow its {tile.width} entries")
    return tuple(entries)


def damaged(tile: Tile, what: str) -> CorruptionError:
    """Return the error for a tile or bundle that is not what it should be."""
    kind = "bundle" if tile.level == ENTRIES else "tile"
    return CorruptionError(f"the {kind} {tile.path} is damaged: {what}", hint=REBUILD)
