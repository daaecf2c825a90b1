from __future__ import annotations

import fcntl
import os
import random
import signal
import sys
import time
from typing import TYPE_CHECKING

import pytest

import aivcs
from aivcs import RunSummary

if TYPE_CHECKING:
    from pathlib import Path

    from aivcs import RunEvent
    from tests.recording.conftest import Bench

ROUNDS = 20
MANY_ROUNDS = 100
LONGEST = 0.4
COMMAND = """
import fcntl, os, sys, aivcs
from aivcs import RunEvent
acknowledged = open(sys.argv[1], "a")
fcntl.flock(acknowledged, fcntl.LOCK_EX)
events = open(os.environ["AIVCS_EVENTS"], "a")
run = os.environ["AIVCS_RUN_ID"]
with aivcs.open() as repo:
    print("ready", flush=True)
    for number in range(1_000_000):
        events.write('{"kind": "noted", "payload": %d}\\n' % number)
        events.flush()
        repo.runs.append_event(run, RunEvent(None, "appended", number))
        acknowledged.write("%d\\n" % number)
        acknowledged.flush()
        print("output", number, flush=True)
"""


def wait_until_released(path: Path) -> None:
    """Wait until the command, which holds a lock on this file, is gone."""
    with path.open("r") as file:
        fcntl.flock(file, fcntl.LOCK_EX)


def crash(bench: Bench, number: int, pause: float) -> None:
    """Record, kill the recorder after ``pause`` seconds, and look at what is there."""
    acknowledged = bench.folder / f"acknowledged-{number}"
    before = {run.run_id for run in bench.repo.runs.list_runs()}
    with bench.recorder(sys.executable, "-c", COMMAND, str(acknowledged)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        (run,) = [r for r in bench.repo.runs.list_runs() if r.run_id not in before]
        seen: list[RunEvent] = []
        until = time.monotonic() + pause
        with aivcs.open(bench.folder) as second:
            while time.monotonic() < until:
                seen = second.runs.get_events(run.run_id)
                os.read(process.stdout.fileno(), 65536)
        process.send_signal(signal.SIGKILL)
        process.wait()
    process.stdout.close()
    wait_until_released(acknowledged)
    events = bench.repo.runs.get_events(run.run_id)
    assert events[: len(seen)] == seen
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    appended = [event.payload for event in events if event.kind == "appended"]
    written = [int(line) for line in acknowledged.read_text().splitlines()]
    assert written == appended[: len(written)]
    noted = [event.payload for event in events if event.kind == "noted"]
    assert noted == list(range(len(noted)))
    assert bench.repo.runs.get_run(run.run_id).status == "RUNNING"
    assert [path.name for path in bench.kept_files()] == [f"events-{run.run_id}.jsonl"]
    bench.kept_files()[0].unlink()
    end = bench.repo.runs.fail_run if number % 2 else bench.repo.runs.cancel_run
    end(run.run_id, RunSummary(0, None, 1, success=False))
    assert bench.repo.runs.get_run(run.run_id).status.terminal


def crash_often(bench: Bench, rounds: int) -> None:
    chance = random.Random(rounds)  # noqa: S311 - instants, no secrets
    for number in range(rounds):
        crash(bench, number, chance.uniform(0, LONGEST))
    report = bench.repo.verify()
    assert report.ok, report.problems
    assert report.checked["runs"] == rounds


def test_a_killed_recorder_loses_nothing_that_was_acknowledged(bench: Bench) -> None:
    crash_often(bench, ROUNDS)


@pytest.mark.slow
def test_a_recorder_killed_a_hundred_times_loses_nothing(bench: Bench) -> None:
    crash_often(bench, MANY_ROUNDS)


def test_the_command_of_a_killed_recorder_is_not_killed(bench: Bench) -> None:
    done = bench.folder / "done"
    done.touch()
    script = f"""
import fcntl
file = open({str(done)!r}, "a")
fcntl.flock(file, fcntl.LOCK_EX)
print("ready", flush=True)
input()
file.write("done")
"""
    with bench.recorder(sys.executable, "-c", script, stdin=-1) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.kill()
        process.communicate(b"\n")
    wait_until_released(done)
    assert done.read_text() == "done"
    assert bench.only_run().status == "RUNNING"
