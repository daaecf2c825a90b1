"""Ctrl-C before, while and after the program does its work."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from aivcs.cli import entry

if TYPE_CHECKING:
    from collections.abc import Iterator

INTERRUPTING = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)

class Interrupter:
    def find_spec(self, name, *_):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupter())
from aivcs.cli.entry import run
sys.exit(run())
"""


@pytest.fixture(autouse=True)
def _own_handler() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupted_at(module: str, *args: str) -> subprocess.CompletedProcess[str]:
    program = INTERRUPTING.format(module=module)
    return subprocess.run(
        [sys.executable, "-c", program, *args], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("module", ["aivcs.cli.main", "click", "aivcs.cli.runs"])
def test_ctrl_c_while_it_loads(module: str) -> None:
    done = interrupted_at(module, "run", "list")
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "error: interrupted\n")
    done = interrupted_at(module, "run", "list", "--json")
    assert (done.returncode, done.stdout) == (130, "")
    told = {"code": "interrupted", "message": "interrupted", "hint": None}
    assert json.loads(done.stderr) == {"error": told}


def test_ctrl_c_while_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def interrupted() -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("aivcs.cli.main.main", interrupted)
    monkeypatch.setattr(os, "_exit", sys.exit)
    monkeypatch.setattr(sys, "argv", ["aivcs", "run", "record", "--", "x", "--json"])
    with pytest.raises(SystemExit) as caught:
        entry.run()
    assert caught.value.code == 130
    assert capfd.readouterr().err == "error: interrupted\n"
    monkeypatch.setattr(sys, "argv", ["aivcs", "--json", "current"])
    with pytest.raises(SystemExit):
        entry.run()
    assert json.loads(capfd.readouterr().err)["error"]["code"] == "interrupted"


def test_ctrl_c_when_all_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aivcs.cli.main.main", lambda: 3)
    assert entry.run() == 3
    signal.raise_signal(signal.SIGINT)


def test_what_is_ignored_stays_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []

    def main() -> int:
        seen.append(signal.getsignal(signal.SIGINT))
        return 0

    monkeypatch.setattr("aivcs.cli.main.main", main)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    assert entry.run() == 0
    assert seen == [signal.SIG_IGN]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    assert entry.run() == 0
    assert seen[1:] == [signal.default_int_handler]
