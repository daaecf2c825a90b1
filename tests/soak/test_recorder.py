from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from soak.recorder import SECTOR, Cutter, Kind, RecordedDisk, happenings

if TYPE_CHECKING:
    from pathlib import Path

    from soak.recorder import Happening

_SIZE = 8 * SECTOR


def _dice(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - dice, no secrets


def _log(tmp_path: Path) -> tuple[bytes, list[Happening]]:
    image, log = tmp_path / "image", tmp_path / "log"
    image.write_bytes(b"." * _SIZE)
    disk = RecordedDisk(image, log)
    disk.write(0, b"a" * 2 * SECTOR)
    disk.flush()
    disk.say(b"told\n")
    disk.write(SECTOR, b"b" * 4 * SECTOR)
    assert disk.read(0, _SIZE) == b"a" * SECTOR + b"b" * 4 * SECTOR + b"." * 3 * SECTOR
    disk.close()
    assert image.read_bytes() == b"." * _SIZE
    return image.read_bytes(), list(happenings(log.read_bytes()))


def test_everything_is_in_the_log_in_order(tmp_path: Path) -> None:
    _, log = _log(tmp_path)
    kinds = [Kind.WRITE, Kind.FLUSH, Kind.SAID, Kind.WRITE]
    assert [one.kind for one in log] == kinds
    assert [bytes(one.data[:5]) for one in log] == [b"aaaaa", b"", b"told\n", b"bbbbb"]
    assert [one.start for one in log] == [0, 0, 0, SECTOR]


def test_a_cut_loses_what_was_not_flushed(tmp_path: Path) -> None:
    image, log = _log(tmp_path)
    cutter = Cutter(image, log)
    assert cutter.cut(0, 1, _dice(1)) == image
    assert cutter.cut(1, 1, _dice(1)) == image
    flushed = b"a" * 2 * SECTOR + b"." * 6 * SECTOR
    assert cutter.cut(2, 1, _dice(1)) == flushed
    assert cutter.cut(4, 1, _dice(1)) == flushed


def test_a_cut_may_lose_nothing(tmp_path: Path) -> None:
    image, log = _log(tmp_path)
    whole = b"a" * SECTOR + b"b" * 4 * SECTOR + b"." * 3 * SECTOR
    assert Cutter(image, log).cut(4, 0, _dice(1)) == whole


def test_a_write_is_torn_at_sectors(tmp_path: Path) -> None:
    image, log = _log(tmp_path)
    seen = set()
    for seed in range(40):
        disk = Cutter(image, log).cut(4, 0.5, _dice(seed))
        sectors = [bytes(disk[at : at + SECTOR]) for at in range(0, _SIZE, SECTOR)]
        assert all(sector == sector[:1] * SECTOR for sector in sectors)
        seen.add(b"".join(sector[:1] for sector in sectors))
    assert len(seen) > 8
    assert {one[:1] for one in seen} == {b"a"}
