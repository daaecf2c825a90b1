"""Storing thousands of files by the program: what its copies pack is told like all else."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Program

PUT = [sys.executable, "-m", "aivcs", "object", "put", "--paths-from", "names"]
COUNT = 1200


def write(folder: Path) -> list[str]:
    names = [f"file-{number}" for number in range(COUNT)]
    for number, name in enumerate(names):
        (folder / name).write_bytes(b"%d" % (number % 1100) * 9)
    (folder / "names").write_text("\n".join(names))
    return names


def test_thousands_of_files_are_told_in_order(here: Program, tmp_path: Path) -> None:
    names = write(tmp_path)
    done = subprocess.run([*PUT, "--json"], capture_output=True, check=True)
    assert done.stderr == b""
    rows = json.loads(done.stdout)
    assert [row["path"] for row in rows] == names
    for number, row in enumerate(rows):
        data = b"%d" % (number % 1100) * 9
        assert row["digest"] == hashlib.sha256(data).hexdigest()
        assert row["size"] == len(data)
    assert here.json("verify")["problems"] == []


def test_a_file_that_is_missing_among_thousands_is_named(here: Program, tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "file-1100").unlink()
    done = subprocess.run([*PUT, "--json"], capture_output=True, check=False)
    assert done.returncode == 2
    assert done.stdout == b""
    assert "cannot read file-1100: No such" in json.loads(done.stderr)["error"]["message"]
    assert here.json("verify")["problems"] == []


def test_an_interruption_ends_all_processes(here: Program, tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "file-1100").unlink()
    os.mkfifo(tmp_path / "file-1100")
    out = subprocess.PIPE
    # The pipe opens once the first process has come to it, and waits for what is written.
    with (
        subprocess.Popen(PUT, stdout=out, stderr=out, start_new_session=True) as process,
        open("file-1100", "wb"),  # noqa: PTH123
    ):
        os.killpg(process.pid, signal.SIGINT)
        told, failed = process.communicate(timeout=60)
    assert (process.returncode, told, failed) == (130, b"", b"error: interrupted\n")
    assert here.json("verify")["problems"] == []
