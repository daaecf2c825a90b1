"""``cache.db`` is deleted, cut off, overwritten and locked while threads and processes use it."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from aivcs.domain.run import RunMetadata
from aivcs.repo import init, open_repo
from aivcs.testing.subject import add_spec

if TYPE_CHECKING:
    from pathlib import Path

# Every value and snapshot says of itself what it is, so that a wrong one is told.
WORKER = """
import os, sys, threading
import aivcs
from aivcs import ExecutionSnapshot, RunEvent

place, run_id, name = sys.argv[1:]
repo = aivcs.open(place)
state = repo.state
print("ready", flush=True)
stop = threading.Event()
failures = []

def work(who):
    number = 0
    try:
        while not stop.is_set():
            number += 1
            key = f"exec:{name}:{who}:{number % 7}"
            state.set(key, f"{key}={number}".encode() * (1 + number % 90))
            found = state.get(key)
            assert found is None or found.startswith(f"{key}=".encode()), found
            other = f"exec:{number % 3}:{number % 2}:{number % 7}"
            found = state.get(other)
            assert found is None or found.startswith(f"{other}=".encode()), found
            mine = ExecutionSnapshot(f"{name}-{who}", "acme", "Running", number)
            state.save_snapshot(mine)
            found = state.load_snapshot(mine.execution_id)
            assert found is None or found.sequence_number <= number
            if number % 5 == 0:
                repo.runs.append_event(run_id, RunEvent(None, "step_completed",
                    {"step_id": f"{name}-{who}-{number}", "output": "x"}))
                fresh = state.load_fresh(run_id)
                assert f"{name}-{who}-{number}" in fresh.step_outputs
                assert len(fresh.step_outputs) == fresh.sequence_number
            if number % 11 == 0:
                state.delete_execution_state(f"{name}-{who}")
                state.sweep()
                state.list_snapshots("acme")
    except BaseException as error:
        failures.append(repr(error))

threads = [threading.Thread(target=work, args=(who,)) for who in range(2)]
for thread in threads:
    thread.start()
sys.stdin.read()
stop.set()
for thread in threads:
    thread.join()
repo.close()
print(failures)
"""
SECONDS = 6


def harm(path: Path, dice: random.Random) -> None:
    """Do one of the things that may happen to the file."""
    with suppress(FileNotFoundError):
        size = path.stat().st_size
        match dice.randrange(6):
            case 0:
                path.unlink()
            case 1:
                os.truncate(path, 0)
            case 2:
                os.truncate(path, dice.randrange(size + 1))
            case 3:
                with path.open("r+b") as file:
                    file.seek(dice.randrange(size + 1))
                    file.write(dice.randbytes(dice.randrange(1, 200)))
            case 4:
                path.write_bytes(dice.randbytes(5000))
            case _:
                with suppress(sqlite3.Error), closing(sqlite3.connect(path)) as other:
                    other.execute("BEGIN EXCLUSIVE")
                    time.sleep(0.02)


def test_everything_at_once(tmp_path: Path) -> None:
    with init(tmp_path) as repo:
        run_id = repo.runs.create_run(add_spec(repo), RunMetadata("helper"))
    path = tmp_path / ".aivcs" / "cache.db"
    crew = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, str(tmp_path), run_id, str(name)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in range(3)
    ]
    try:
        for worker in crew:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
        dice = random.Random(5)  # noqa: S311 - dice, no secrets
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            harm(path, dice)
            time.sleep(dice.random() * 0.05)
        crew[0].send_signal(signal.SIGKILL)
        said = [worker.communicate(timeout=60) for worker in crew]
    finally:
        for worker in crew:
            worker.kill()
            worker.wait()
    assert [out for out, _ in said[1:]] == ["[]\n"] * 2, said
    assert [err for _, err in said[1:]] == [""] * 2
    with open_repo(tmp_path) as repo:
        repo.state.set("after", b"all of it")
        assert repo.state.get("after") == b"all of it"
        report = repo.verify()
        assert report.ok, report.problems
        assert report.checked["events"] > 0


def test_threads_of_one_store(tmp_path: Path) -> None:
    failures: list[BaseException] = []
    with init(tmp_path) as repo:

        def work(name: int) -> None:
            try:
                for number in range(200):
                    repo.state.set(f"{name}", b"%d" % number)
                    assert repo.state.get(f"{name}") == b"%d" % number
            except BaseException as error:  # noqa: BLE001 - told by the thread that waits
                failures.append(error)

        threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not failures


def test_processes_keep_one_anothers_values(tmp_path: Path) -> None:
    """Nobody harms the file here, so nothing may be lost."""
    init(tmp_path).close()
    script = """
import sys, aivcs
with aivcs.open(sys.argv[1]) as repo:
    for number in range(150):
        key = f"{sys.argv[2]}:{number}"
        repo.state.set(key, key.encode())
"""
    crew = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path), str(name)])
        for name in range(4)
    ]
    assert [worker.wait(timeout=60) for worker in crew] == [0] * 4
    with open_repo(tmp_path) as repo:
        for name in range(4):
            for number in range(150):
                key = f"{name}:{number}"
                assert repo.state.get(key) == key.encode()
