from __future__ import annotations

import os
import subprocess
from pathlib import Path

from benchmarks import held_disk
from benchmarks.held_disk import held

RATE = 100_000_000
CAN = (
    os.access(held_disk.GROUPS, os.W_OK)
    and (held_disk.GROUPS / "blkio.throttle.write_bps_device").exists()
)


def test_a_command_writes_no_faster_than_it_may(tmp_path: Path) -> None:
    with held(tmp_path, RATE) as prefix:
        assert (prefix is not None) == CAN
        said = subprocess.check_output(
            [*(prefix or []), "cat", "/proc/self/cgroup"], encoding="utf-8"
        )
        assert (f"/aivcs-bench.{os.getpid()}" in said) == CAN
    assert not [*held_disk.GROUPS.glob("aivcs-bench.*")]


def test_the_limit_is_of_the_disk_below_the_folder(tmp_path: Path) -> None:
    groups = tmp_path / "groups"
    limit = groups / f"aivcs-bench.{os.getpid()}" / "blkio.throttle.write_bps_device"
    groups.mkdir()
    (groups / limit.name).touch()
    with held(tmp_path, RATE, groups) as prefix:
        assert prefix is not None
        disk, rate = limit.read_text().split()
        limit.unlink()
    assert int(rate) == RATE
    assert disk.count(":") == 1
    assert not (Path("/sys/dev/block") / disk / "partition").exists()


def test_without_the_controller_nothing_is_held(tmp_path: Path) -> None:
    with held(tmp_path, RATE, tmp_path / "none") as prefix:
        assert prefix is None
