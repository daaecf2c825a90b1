"""The program as a process of its own: exit statuses, pipes, signals, closed streams."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from aivcs.cli import output

if TYPE_CHECKING:
    from tests.cli.conftest import Program

MODULE = [sys.executable, "-m", "aivcs"]


def _call(*args: str, **settings: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*MODULE, *args], capture_output=True, text=True, check=False, **settings)


def test_an_answer_is_one_json_value(here: Program, spec: str) -> None:
    assert here.json("releases") == []
    done = _call("spec", "list", "--json")
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1
    assert [row["digest"] for row in json.loads(done.stdout)] == [spec]


def test_a_failure_is_one_json_object(here: Program) -> None:
    assert here.json("releases") == []
    done = _call("--json", "current", "nobody")
    assert done.returncode == 3
    assert done.stdout == ""
    assert json.loads(done.stderr)["error"]["code"] == "release_not_found"


def test_a_reader_that_leaves_ends_it_quietly(here: Program, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(os.urandom(2**22))
    digest = here.json("object", "put", "big")[0]["digest"]
    process = subprocess.Popen(
        [*MODULE, "object", "get", digest], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 141


def test_a_full_disk_under_stdout_is_told(here: Program, spec: str) -> None:
    for args in (("spec", "show", spec), ("--help",), ("--json", "object", "list")):
        with Path("/dev/full").open("w") as full:
            done = subprocess.run(
                [*MODULE, *args], stdout=full, stderr=subprocess.PIPE, text=True, check=False
            )
        assert done.returncode == 7
        assert "No space left on device" in done.stderr.splitlines()[0]
        assert len(done.stderr.splitlines()) <= 2
    assert here.json("verify")["ok"]


def test_what_was_done_is_said_where_its_answer_cannot_be_written(here: Program) -> None:
    letter = Path("letter")
    letter.write_bytes(b"kept all the same")
    with Path("/dev/full").open("w") as full:
        command = [*MODULE, "object", "put", "letter"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 7
    assert done.stderr.splitlines() == [
        "error: cannot write standard output: No space left on device",
        "hint: what the command did before stays done; only its answer is missing",
    ]
    assert [row["size"] for row in here.json("object", "list")] == [letter.stat().st_size]


def test_an_object_that_stdout_cannot_take_is_told_with_a_hint(here: Program) -> None:
    (row,) = here.json("object", "put", "-", stdin=b"hello")
    with Path("/dev/full").open("w") as full:
        command = [*MODULE, "object", "get", row["digest"]]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 7
    assert done.stderr.splitlines() == [
        "error: cannot write standard output: No space left on device",
        "hint: check the disk and its space, or name a file elsewhere",
    ]


_LIMITED = """
import resource, runpy
resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, 2**16))
runpy.run_module("aivcs", run_name="__main__")
"""


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_an_answer_that_is_cut_off_is_told(
    here: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unbuffered: str
) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    (tmp_path / "file").write_bytes(os.urandom(100_000))
    digest = here.json("object", "put", "file")[0]["digest"]
    with (tmp_path / "copy").open("w") as copy:
        done = subprocess.run(
            [sys.executable, "-c", _LIMITED, "object", "get", digest],
            stdout=copy,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 7
    assert "File too large" in done.stderr


def test_a_reader_that_takes_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with os.fdopen(writing, "wb", buffering=0) as raw, os.fdopen(reading, "rb"):
        monkeypatch.setattr(sys, "stdout", SimpleNamespace(buffer=raw))
        with pytest.raises(BlockingIOError):
            output.write_bytes(bytes(2**20))


def test_a_database_that_cannot_be_opened_is_told(
    here: Program, agent: Path, tmp_path: Path
) -> None:
    for file in (tmp_path / ".aivcs").glob("aivcs.db*"):
        file.unlink()
    (tmp_path / ".aivcs" / "aivcs.db").mkdir()
    assert here.fail("spec", "add", agent) == (7, "storage")
    assert here.fail("current", "helper") == (7, "storage")


def _interrupt(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Press Ctrl-C until it is heard: one may fall between a look for signals and a read."""
    while True:
        process.send_signal(signal.SIGINT)
        try:
            return process.communicate(timeout=0.5)
        except subprocess.TimeoutExpired:
            continue


def test_ctrl_c_ends_it_with_130(here: Program, spec: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    process = subprocess.Popen(
        [*MODULE, "--json", "run", "record", "--spec", spec, "--events", "fifo"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        # Opening returns when the program has opened the other end to read from it.
        with (tmp_path / "fifo").open("wb"):
            out, err = _interrupt(process)
    finally:
        process.kill()
    assert process.returncode == 130
    assert out == ""
    assert json.loads(err)["error"]["code"] == "interrupted"
    assert here.json("run", "list") == []


def test_a_signal_to_the_recorder_cancels_the_run(here: Program, spec: str) -> None:
    process = subprocess.Popen(
        [*MODULE, "run", "record", "--json", "--spec", spec, "--", "sh", "-c", "echo up; sleep 60"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "up\n"
    process.terminate()
    out, _ = process.communicate()
    assert process.returncode == 143
    assert json.loads(out)["status"] == "CANCELLED"
    assert here.json("run", "show", "latest")["reason"] == "cancelled by SIGTERM"


def test_closed_streams_do_no_harm(here: Program, tmp_path: Path) -> None:
    assert here.json("releases") == []
    command = f"exec {' '.join(MODULE)} spec add helper >&- 2>&- <&-"
    (tmp_path / "helper").mkdir()
    (tmp_path / "helper" / "system.md").write_text("You help.\n")
    assert subprocess.run(["/bin/sh", "-c", command], check=False).returncode == 0
    assert len(here.json("spec", "list")) == 1
    assert here.json("verify")["ok"]


@pytest.mark.parametrize("text", ["caf\udce9", "é"])
def test_names_that_are_not_utf8_are_no_traceback(here: Program, text: str) -> None:
    here.fail("current", text)
    done = subprocess.run(
        [*MODULE, "current", os.fsencode(text)],
        capture_output=True,
        env={**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii"},
        check=False,
    )
    assert done.returncode == 3
    assert b"Traceback" not in done.stderr
