"""The rule that a skip under CI is a failure, shown on a small suite of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parent / "conftest.py"
SUITE = """
import pytest

def test_passes(): pass
def test_skips(): pytest.skip("a part is missing")
@pytest.mark.optional_data
def test_optional(): pytest.skip("no data")
@pytest.mark.xfail(strict=True)
def test_expected(): assert False
"""


@pytest.fixture
def outcome(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "checkout" / "tests").mkdir(parents=True)
    tests = tmp_path / "checkout" / "tests"
    (tests / "conftest.py").write_bytes(CONFTEST.read_bytes())
    (tests / "test_suite.py").write_text(SUITE)
    (tests / "test_module.py").write_text("import pytest\npytest.importorskip('absent_part')\n")
    return {"cwd": str(tests), "data": str(tmp_path / "shared" / "data")}


def _run(cwd: str, ci: str) -> str:
    environment = {key: value for key, value in os.environ.items() if key != "CI"}
    if ci:
        environment["CI"] = ci
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull]
    done = subprocess.run(
        [*command, "--rootdir=.", "--continue-on-collection-errors", "-W", "ignore"],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.splitlines()[-1]


def test_outside_ci_skips_are_skips(outcome: dict[str, str]) -> None:
    assert "1 passed, 3 skipped, 1 xfailed" in _run(outcome["cwd"], "")


def test_under_ci_only_optional_data_may_be_missing(outcome: dict[str, str]) -> None:
    assert "1 failed, 1 passed, 1 skipped, 1 xfailed, 1 error" in _run(outcome["cwd"], "true")


def test_under_ci_nothing_is_optional_when_the_data_is_there(outcome: dict[str, str]) -> None:
    Path(outcome["data"]).mkdir(parents=True)
    assert "2 failed, 1 passed, 1 xfailed, 1 error" in _run(outcome["cwd"], "true")
