from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from aivcs.adapters.command import process
from aivcs.domain.run import RunStatus

if TYPE_CHECKING:
    from aivcs.domain.run import RunId
    from tests.recording.conftest import Bench, Recorded

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
PATIENT = """
import signal, sys
stopping = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT}
signal.pthread_sigmask(signal.SIG_BLOCK, stopping)
print("ready", flush=True)
print(signal.Signals(signal.sigwait(stopping)).name, flush=True)
"""
OWN_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
DYING = """
import signal
signal.signal(signal.SIGINT, signal.SIG_DFL)
print("ready", flush=True)
signal.pause()
"""


def wait_until_ready(started: subprocess.Popen[bytes]) -> None:
    assert started.stdout is not None
    assert started.stdout.readline() == b"ready\n"


@pytest.mark.parametrize("number", STOPPING)
def test_a_signal_is_passed_on_and_cancels(bench: Bench, number: signal.Signals) -> None:
    with bench.recorder(sys.executable, "-c", PATIENT + "sys.exit(7)") as started:
        wait_until_ready(started)
        started.send_signal(number)
        out, _ = started.communicate(timeout=30)
    assert (out, started.returncode) == (f"{number.name}\n".encode(), 7)
    run = bench.only_run()
    assert (run.status, run.reason) == ("CANCELLED", f"cancelled by {number.name}")
    assert bench.repo.runs.get_events(run.run_id)[-1].kind == "command_exited"
    assert bench.kept_files() == []


def test_a_command_that_dies_of_the_signal_has_its_status(bench: Bench) -> None:
    with bench.recorder(sys.executable, "-c", DYING) as started:
        wait_until_ready(started)
        started.send_signal(signal.SIGINT)
        started.communicate(timeout=30)
    assert started.returncode == 130
    run = bench.only_run()
    assert (run.status, run.reason) == ("CANCELLED", "cancelled by SIGINT")


def test_a_second_signal_kills(bench: Bench) -> None:
    with bench.recorder(sys.executable, "-c", PATIENT + "signal.pause()") as started:
        wait_until_ready(started)
        started.send_signal(signal.SIGTERM)
        assert started.stdout is not None
        assert started.stdout.readline() == b"SIGTERM\n"
        started.send_signal(signal.SIGTERM)
        started.communicate(timeout=30)
    assert started.returncode == 137
    assert bench.only_run().status == "CANCELLED"


def test_a_signal_that_is_ignored_stays_so(bench: Bench) -> None:
    command = [sys.executable, "-c", DYING.replace("signal.pause()", "input()")]
    with bench.recorder("nohup", *command, stdin=subprocess.PIPE) as started:
        wait_until_ready(started)
        started.communicate(b"\n", timeout=30)
    ignoring = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh"]
    before = len(bench.repo.runs.list_runs())
    with bench.recorder(*command, stdin=subprocess.PIPE, within=ignoring) as started:
        wait_until_ready(started)
        started.send_signal(signal.SIGHUP)
        started.communicate(b"\n", timeout=30)
    assert started.returncode == 0
    runs = bench.repo.runs.list_runs()
    assert len(runs) == before + 1
    assert {run.status for run in runs} == {"COMPLETED"}


def test_handlers_are_put_back(bench: Bench) -> None:
    before = [signal.getsignal(number) for number in STOPPING]
    bench.shell("exit 0")
    assert [signal.getsignal(number) for number in STOPPING] == before


def test_recording_in_another_thread_needs_no_handlers(bench: Bench) -> None:
    seen: list[Recorded] = []
    thread = threading.Thread(target=lambda: seen.append(bench.shell("exit 3")))
    thread.start()
    thread.join()
    assert seen[0].exit_status == 3


def test_a_key_at_the_terminal_reaches_the_command_once(bench: Bench) -> None:
    """Ctrl-C at a terminal signals the recorder and the command; nothing is sent twice."""
    again = """
second = signal.sigtimedwait(stopping, 0.3)
print("once" if second is None else "twice", flush=True)
"""
    terminal = [
        sys.executable,
        "-c",
        OWN_TERMINAL,
    ]
    master, slave = pty.openpty()
    try:
        command = [sys.executable, "-c", PATIENT + again]
        with bench.recorder(
            *command, within=terminal, stdin=slave, start_new_session=True
        ) as started:
            wait_until_ready(started)
            os.write(master, b"\x03")
            out, _ = started.communicate(timeout=30)
    finally:
        os.close(master)
        os.close(slave)
    assert (out, started.returncode) == (b"SIGINT\nonce\n", 0)
    assert bench.only_run().reason == "cancelled by SIGINT"


def test_another_process_may_signal_a_recorder_in_the_background(bench: Bench) -> None:
    """Behind a terminal that another group of processes has, the signal is passed on."""
    script = """
import fcntl, os, subprocess, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
sys.exit(subprocess.run(sys.argv[1:], process_group=0).returncode)
"""
    master, slave = pty.openpty()
    report = bench.folder / "pid"
    command = f"open({str(report)!r}, 'w').write(str(__import__('os').getppid()))\n{PATIENT}"
    try:
        within = [sys.executable, "-c", script]
        child = [sys.executable, "-c", command]
        with bench.recorder(*child, within=within, stdin=slave, start_new_session=True) as started:
            wait_until_ready(started)
            os.kill(int(report.read_text()), signal.SIGINT)
            out, _ = started.communicate(timeout=30)
    finally:
        os.close(master)
        os.close(slave)
    assert (out, started.returncode) == (b"SIGINT\n", 0)
    assert bench.only_run().status == "CANCELLED"


def test_a_terminal_that_is_not_ours_sends_nothing(bench: Bench) -> None:
    master, slave = pty.openpty()
    try:
        command = [sys.executable, "-c", PATIENT]
        with bench.recorder(*command, stdin=slave, start_new_session=True) as started:
            wait_until_ready(started)
            started.send_signal(signal.SIGINT)
            out, _ = started.communicate(timeout=30)
    finally:
        os.close(master)
        os.close(slave)
    assert (out, started.returncode) == (b"SIGINT\n", 0)


def test_a_signal_before_the_last_output_still_cancels(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The command is gone from the process table once the recorder has its status.
    script = """
recorder=$PPID
(while kill -0 $$ 2>/dev/null; do :; done; kill -TERM $recorder; echo last) &
"""
    monkeypatch.setattr(process, "_QUIET_SECONDS", 60)
    seen = bench.shell(script)
    assert (seen.out, seen.exit_status) == (b"last\n", 0)
    assert seen.run.reason == "cancelled by SIGTERM"


@pytest.mark.parametrize("number", STOPPING)
def test_a_signal_before_the_command_starts_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    real = bench.repo.runs.create_run

    def create(*args: Any) -> RunId:
        signal.raise_signal(number)
        return real(*args)

    before = signal.getsignal(number)
    monkeypatch.setattr(bench.repo.runs, "create_run", create)
    seen = bench.shell("touch began", status=RunStatus.COMPLETED)
    assert (seen.run.status, seen.run.reason) == ("CANCELLED", f"cancelled by {number.name}")
    assert (seen.exit_status, seen.kinds()) == (128 + number, ["command_started"])
    assert not (bench.folder / "began").exists()
    assert bench.kept_files() == []
    assert signal.getsignal(number) is before
