"""What stands in for sqlite3 and zstd on a machine without them does the same."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import zstandard

import aivcs
from tests.docs.shell import Shell

if TYPE_CHECKING:
    import pytest

STANDINS = Path(__file__).parent / "standins"


def _printed(tmp_path: Path, *command: str) -> bytes:
    environment = Shell(tmp_path / "shell").environment
    return subprocess.run(command, env=environment, capture_output=True, check=True).stdout


def test_zstd(tmp_path: Path) -> None:
    file = tmp_path / "two.zst"
    file.write_bytes(zstandard.compress(b"one ") + zstandard.compress(b"two"))
    assert _printed(tmp_path, str(STANDINS / "zstd"), "-dc", str(file)) == b"one two"


def test_sqlite3(tmp_path: Path) -> None:
    aivcs.init(tmp_path).close()
    sql = "SELECT count(*), NULL, 'x' FROM streams"
    database = str(tmp_path / ".aivcs" / "aivcs.db")
    assert _printed(tmp_path, str(STANDINS / "sqlite3"), database, sql) == b"0||x\n"


def test_a_shell_finds_them_after_the_real_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    places = Shell(tmp_path).environment["PATH"].split(":")
    assert places[-1] == str(STANDINS)
    assert places.index("/usr/bin") < places.index(str(STANDINS))
