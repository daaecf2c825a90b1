"""Ctrl-C during a seal is answered at once, and nothing is left of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aivcs.errors import InvalidInputError
from aivcs.repo import init, open_repo
from aivcs.services.aside import aside
from tests.packs.packing import sentences

if TYPE_CHECKING:
    from aivcs.domain.digest import Digest

_BAR = 0.5
_PROGRAM = "import sys; from aivcs.cli.entry import run; sys.exit(run())"
_TELL = "import os; import aivcs.cli.main; os.write(1, b'begins\\n'); "
_ENDLESS = """
import hashlib, os, zstandard

def train(*_, **__):
    os.write(1, b"training\\n")
    hashlib.pbkdf2_hmac("sha256", b"one call", b"of C", 10**9)

zstandard.train_dictionary = train
"""


def store(place: Path, count: int) -> list[Digest]:
    with init(place) as repo:
        return repo.objects.put_many(sentences(count), pin=True)


def sealing(place: Path, before: str = "") -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", before + _PROGRAM, "seal"]
    out = subprocess.PIPE
    # What measures coverage takes a lock of its own, which an interrupt can leave taken for ever.
    plain = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    return subprocess.Popen(command, cwd=place, stdout=out, stderr=out, env=plain)


def told(process: subprocess.Popen[bytes]) -> float:
    """Wait for a process's first line; return when it came."""
    assert process.stdout is not None
    assert process.stdout.readline() in {b"begins\n", b"training\n"}
    return time.monotonic()


def spent(process: subprocess.Popen[bytes]) -> float:
    """Return the seconds of processor time that a process has used."""
    cells = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(cells[11]) + int(cells[12])) / os.sysconf("SC_CLK_TCK")


def check_left(place: Path, stored: list[Digest]) -> None:
    """Show that no file of an interrupted seal is left, and that the next one ends it."""
    assert {path.name for path in (place / ".aivcs" / "tmp").glob("*")} <= {"upkeep.lock"}
    with open_repo(place) as repo:
        assert repo.verify().ok
        repo.seal()
        assert repo.verify().problems == ()
        assert dict(repo.objects.get_many(stored)) == dict(
            zip(stored, sentences(len(stored)), strict=True)
        )


def test_one_long_call_is_not_waited_for(tmp_path: Path) -> None:
    """A dictionary that takes half an hour: neither the command nor its end waits for it."""
    stored = store(tmp_path, 800)
    with sealing(tmp_path, _ENDLESS) as process:
        told(process)
        process.send_signal(signal.SIGINT)
        try:
            _, failed = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, failed) == (130, b"error: interrupted\n")
    check_left(tmp_path, stored)


@pytest.mark.slow
@pytest.mark.parametrize("part", [0.15, 0.35, 0.55, 0.7, 0.8, 0.9, 0.97])
def test_at_any_time(tmp_path: Path, part: float) -> None:
    """The instant is a part of the time that a seal takes here, now and on this machine."""
    whole, other = tmp_path / "whole", tmp_path / "other"
    stored: list[Digest] = []
    for place in (whole, other):
        place.mkdir()
        stored = store(place, 8000)
    with sealing(whole, _TELL) as process:
        began = told(process)
        assert process.wait(120) == 0
    wait = part * (time.monotonic() - began)
    with sealing(other, _TELL) as process:
        try:
            told(process)
            time.sleep(wait)
            ended = process.poll() is not None
            before = 0.0 if ended else spent(process)
            process.send_signal(signal.SIGINT)
            if not ended:
                _, status, usage = os.wait4(process.pid, 0)
                assert os.waitstatus_to_exitcode(status) in {0, 130}
                # Processor time: how long others made it wait says nothing of the program.
                assert usage.ru_utime + usage.ru_stime - before < _BAR
        finally:
            # Else leaving would wait for it for ever.
            process.kill()
    check_left(other, stored)


def test_what_is_computed_comes_back() -> None:
    assert aside(lambda: threading.current_thread().daemon)

    def fail() -> None:
        msg = "wrong"
        raise InvalidInputError(msg)

    with pytest.raises(InvalidInputError, match="wrong"):
        aside(fail)
