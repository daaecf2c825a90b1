"""A disk that remembers every write and flush in order, and how it stood at any instant.

Run as ``python -m soak.recorder POINT IMAGE LOG`` it serves the bytes of IMAGE as
``POINT/disk`` and appends to LOG what is written there, each flush, and each line written
to ``POINT/said``. IMAGE itself is left as it is. It ends when POINT is unmounted.
"""

from __future__ import annotations

import mmap
import struct
import sys
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from soak.fuse import mount, serve

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from random import Random

SECTOR: Final = 512
_HEAD: Final = struct.Struct("<BQI")


class Kind(IntEnum):
    """What happened: bytes written, everything before asked to be durable, a line said."""

    WRITE = 0
    FLUSH = 1
    SAID = 2


@dataclass(frozen=True, slots=True)
class Happening:
    """One record of the log; of a write, ``data`` begins at byte ``start`` of the disk."""

    kind: Kind
    start: int
    data: memoryview


class RecordedDisk:
    """Serves a private copy of an image and appends to the log what happens to it."""

    def __init__(self, image: Path, log: Path) -> None:
        with image.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        self.size = len(self._map)
        self._log = log.open("wb")

    def read(self, start: int, length: int) -> bytes:
        """Return bytes of the disk."""
        return self._map[start : start + length]

    def write(self, start: int, data: bytes) -> None:
        """Change bytes of the disk."""
        self._map[start : start + len(data)] = data
        self._record(Kind.WRITE, start, data)

    def flush(self) -> None:
        """Record that what was written before is durable from now on."""
        self._record(Kind.FLUSH, 0, b"")

    def say(self, data: bytes) -> None:
        """Record a line."""
        self._record(Kind.SAID, 0, data)

    def close(self) -> None:
        """Finish the log."""
        self._log.close()

    def _record(self, kind: Kind, start: int, data: bytes) -> None:
        self._log.write(_HEAD.pack(kind, start, len(data)) + data)


def happenings(log: bytes) -> Iterator[Happening]:
    """Yield the records of a log."""
    view, at = memoryview(log), 0
    while at < len(view):
        kind, start, length = _HEAD.unpack_from(view, at)
        at += _HEAD.size
        yield Happening(Kind(kind), start, view[at : at + length])
        at += length


class Cutter:
    """Gives the disk as a power cut would leave it, at ascending instants of a log.

    What was written before the last flush is there. Of what was written since, sectors of
    512 bytes are there or not, as ``lost`` and the dice say.
    """

    def __init__(self, image: bytes, log: Sequence[Happening]) -> None:
        self._durable = bytearray(image)
        self._log = log
        self._at = 0
        self._floating: list[Happening] = []

    def cut(self, instant: int, lost: float, dice: Random) -> bytearray:
        """Return the disk when only the first ``instant`` records had happened.

        ``lost`` 0 keeps every sector, 1 none that was not flushed, between them each is
        lost with that probability. Instants must ascend.
        """
        for happening in self._log[self._at : instant]:
            if happening.kind is Kind.FLUSH:
                for write in self._floating:
                    _apply(self._durable, write)
                self._floating = []
            elif happening.kind is Kind.WRITE:
                self._floating.append(happening)
        self._at = instant
        disk = bytearray(self._durable)
        for write in self._floating:
            _tear(disk, write, lost, dice)
        return disk


def _apply(disk: bytearray, write: Happening) -> None:
    disk[write.start : write.start + len(write.data)] = write.data


def _tear(disk: bytearray, write: Happening, lost: float, dice: Random) -> None:
    for at in range(0, len(write.data), SECTOR):
        if lost == 0 or dice.random() >= lost:
            sector = write.data[at : at + SECTOR]
            disk[write.start + at : write.start + at + len(sector)] = sector


def main(point: str, image: str, log: str) -> None:
    """Serve until the file system is unmounted; a line on stdout says that it is mounted."""
    disk = RecordedDisk(Path(image), Path(log))
    descriptor = mount(Path(point))
    print("mounted", flush=True)
    try:
        serve(descriptor, disk)
    finally:
        disk.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
