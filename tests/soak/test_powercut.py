from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from soak import log_cuts, powercut


@pytest.fixture(autouse=True)
def _parts() -> None:
    if os.geteuid() or not Path("/dev/fuse").exists() or not shutil.which("mkfs.ext4"):
        pytest.skip("needs root, /dev/fuse and mkfs.ext4")
    tried = subprocess.run(["losetup", "--find"], check=False, capture_output=True)  # noqa: S607
    if tried.returncode:
        pytest.skip("needs a loop device")


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 3])
def test_no_promise_is_lost_in_a_power_cut(seed: int) -> None:
    found = powercut.sweep((seed, 12, "group"))
    assert found.wrong == []
    assert found.counts["cuts"] == 12
    assert found.counts["promises checked"] > 50


@pytest.mark.slow
def test_a_repository_that_does_not_wait_for_the_disk_loses_some() -> None:
    found = powercut.sweep((2, 6, "os"))
    assert any("NotFound" in text for text in found.wrong)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 3])
def test_no_log_loses_what_it_acknowledged_in_a_power_cut(seed: int) -> None:
    found = powercut.sweep((seed, 10, "group"), log_cuts.LOGS)
    assert found.wrong == []
    assert found.counts["cuts"] == 10
    assert found.counts["acknowledged entries, ends and releases"] > 50
