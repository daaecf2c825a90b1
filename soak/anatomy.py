"""What each byte of an SQLite file is: headers, pointers, cells, columns, or nothing.

Written after the format's own description, https://www.sqlite.org/fileformat2.html.
"""

from __future__ import annotations

from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_FILE: Final = 100
_INTERIOR: Final = (2, 5)
_TABLE: Final = (5, 13)
_SEVEN: Final = 0x7F
_LONG: Final = 9
_SIZES: Final = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)


class Part(StrEnum):
    """What a byte belongs to."""

    FILE = "header of the file"
    PAGE = "header of a page"
    POINTER = "pointer to a cell"
    LINK = "number of a page"
    CELL = "header of a cell"
    COLUMN = "column"
    MAP = "map of the pages"
    FREE = "list of what is free"
    UNUSED = "unused"


class Region(NamedTuple):
    """Bytes of one part: of a page of a tree, maybe of a cell with its key, and its column.

    ``cell`` is where the cell begins. ``key`` is the number of the row; in an index it is
    the first column, where that is a number.
    """

    part: Part
    tree: str
    page: int
    start: int
    end: int
    leaf: bool = False
    cell: int | None = None
    key: int | None = None
    column: int | None = None


class Anatomy:
    """Takes a file apart, given the roots of its trees by their names."""

    def __init__(self, data: bytes, roots: Mapping[str, int]) -> None:
        self._data = data
        self._roots = roots
        self.size = self._number(16, 2) or 2**16
        self._usable = self.size - data[20]

    def regions(self) -> Iterator[Region]:
        """Yield what the bytes of the file are, each once."""
        known = [Region(Part.FILE, "", 1, 0, _FILE)]
        for tree, root in {"sqlite_schema": 1, **self._roots}.items():
            known += self._page(tree, root)
        known += self._free()
        known += self._maps()
        known.sort(key=lambda region: region.start)
        end = Region(Part.UNUSED, "", 0, len(self._data), len(self._data))
        yield from known
        for one, other in pairwise([Region(Part.UNUSED, "", 0, 0, 0), *known, end]):
            if one.end > other.start:
                msg = f"{one} and {other} overlap"
                raise ValueError(msg)
            if one.end < other.start:
                yield Region(Part.UNUSED, "", 1 + one.end // self.size, one.end, other.start)

    def _number(self, at: int, length: int) -> int:
        return int.from_bytes(self._data[at : at + length], "big")

    def _page(self, tree: str, number: int) -> Iterator[Region]:
        base = (number - 1) * self.size
        head = base or _FILE
        kind, cells = self._data[head], self._number(head + 3, 2)
        leaf = kind not in _INTERIOR
        pointers = head + (8 if leaf else 12)
        yield Region(Part.PAGE, tree, number, head, head + 8, leaf)
        if not leaf:
            yield Region(Part.LINK, tree, number, head + 8, pointers)
            yield from self._page(tree, self._number(head + 8, 4))
        free = self._number(head + 1, 2)
        while free:
            yield Region(Part.FREE, tree, number, base + free, base + free + 4, leaf)
            free = self._number(base + free, 2)
        for pointer in range(pointers, pointers + 2 * cells, 2):
            at = base + self._number(pointer, 2)
            found = list(self._cell(Region(Part.CELL, tree, number, at, at, leaf, at), kind))
            key = found[-1].key
            yield Region(Part.POINTER, tree, number, pointer, pointer + 2, leaf, at, key)
            yield from found
            if not leaf:
                yield from self._page(tree, self._number(at, 4))

    def _cell(self, of: Region, kind: int) -> Iterator[Region]:
        at = of.start
        if not of.leaf:
            yield of._replace(part=Part.LINK, end=at + 4)
            at += 4
        if kind == _INTERIOR[1]:
            key, end = varint(self._data, at)
            yield of._replace(start=at, end=end, key=key)
            return
        length, end = varint(self._data, at)
        row: int | None = None
        if kind in _TABLE:
            row, end = varint(self._data, end)
        yield from self._record(of._replace(start=at, end=end, key=row), length)

    def _record(self, of: Region, length: int) -> Iterator[Region]:
        """Yield what a record is made of, whose cell's own header is ``of``."""
        pieces, links = self._pieces(of.end, length, of.key is not None)
        payload = b"".join(self._data[start:end] for start, end in pieces)
        columns, first = _columns(payload)
        if of.key is None:
            start, end, number = columns[0]
            if number:
                value = int.from_bytes(payload[start:end], "big") if start < end else number - 1
                of = of._replace(key=value)
        yield of
        for start, end in links:
            yield of._replace(part=Part.LINK, start=start, end=end)
        for start, end in _mapped(pieces, 0, first):
            yield of._replace(start=start, end=end)
        for column, (begin, stop, _) in enumerate(columns):
            for start, end in _mapped(pieces, begin, stop):
                yield of._replace(part=Part.COLUMN, start=start, end=end, column=column)

    def _pieces(
        self,
        at: int,
        length: int,
        table: bool,  # noqa: FBT001 - the one thing it is
    ) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Return where a payload lies, and where the numbers of its other pages are."""
        usable = self._usable
        most = usable - 35 if table else (usable - 12) * 64 // 255 - 23
        if length <= most:
            return [(at, at + length)], []
        least = (usable - 12) * 32 // 255 - 23
        local = least + (length - least) % (usable - 4)
        local = local if local <= most else least
        pieces, links = [(at, at + local)], [(at + local, at + local + 4)]
        left, page = length - local, self._number(at + local, 4)
        while left:
            start = (page - 1) * self.size
            taken = min(left, usable - 4)
            links.append((start, start + 4))
            pieces.append((start + 4, start + 4 + taken))
            left, page = left - taken, self._number(start, 4)
        return pieces, links

    def _free(self) -> Iterator[Region]:
        trunk = self._number(32, 4)
        while trunk:
            start = (trunk - 1) * self.size
            yield Region(Part.FREE, "", trunk, start, start + 8 + 4 * self._number(start + 4, 4))
            trunk = self._number(start, 4)

    def _maps(self) -> Iterator[Region]:
        if not self._number(52, 4):
            return
        each = self._usable // 5
        count = len(self._data) // self.size
        for page in range(2, count + 1, each + 1):
            start = (page - 1) * self.size
            yield Region(Part.MAP, "", page, start, start + 5 * min(each, count - page))


def varint(data: bytes, at: int) -> tuple[int, int]:
    """Return the number that begins at a place, and where it ends."""
    found = 0
    for n in range(1, _LONG):
        byte = data[at + n - 1]
        found = found << 7 | byte & _SEVEN
        if byte <= _SEVEN:
            return found, at + n
    return found << 8 | data[at + 8], at + _LONG


def _columns(payload: bytes) -> tuple[list[tuple[int, int, int]], int]:
    """Return where the columns are, 1 + the serial type's constant for numbers, else 0."""
    first, at = varint(payload, 0)
    place = first
    found = []
    while at < first:
        kind, at = varint(payload, at)
        length = _SIZES[kind] if kind < len(_SIZES) else (kind - 12) // 2
        number = 0 if kind == 0 or kind >= len(_SIZES) else max(1, kind - 7)
        found.append((place, place + length, number))
        place += length
    return found, first


def _mapped(pieces: list[tuple[int, int]], begin: int, stop: int) -> Iterator[tuple[int, int]]:
    """Yield where the bytes of a payload from ``begin`` to ``stop`` lie in the file."""
    for start, end in pieces:
        length = end - start
        one, other = max(begin, 0), min(stop, length)
        if one < other:
            yield start + one, start + other
        begin, stop = begin - length, stop - length
