"""Many threads and processes append to the same runs at the same time, on disk."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from aivcs.domain.run import RunMetadata, RunStatus
from aivcs.repo import init, open_repo
from aivcs.testing.crew import processes
from aivcs.testing.subject import add_spec, end, note
from tests.committing.conftest import Crowd

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aivcs.repo import Repo

THREADS = 16
PROCESSES = 8
EACH = 60

SCRIPT = """
import sys, threading
import aivcs

place, spec = sys.argv[1:]
repo = aivcs.open(place)
shared = repo.runs.create_run(spec, aivcs.RunMetadata("shared"))
own = [repo.run(spec=spec) for _ in range(4)]
lock = threading.Lock()


def say(*words):
    with lock:
        print(*words, flush=True)


def work(number):
    say("run", own[number].run_id)
    for step in range(100_000):
        body = {"thread": number, "step": step}
        say("shared", repo.runs.append_event(shared, aivcs.RunEvent(None, "note", body)))
        own[number].event("note", body)
        if step % 3 == 0:
            own[number].flush()
            say(own[number].run_id, step + 1)


say("run", shared)
threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
for thread in threads:
    thread.start()
"""


def append(repo: Repo, number: int, ids: list[str]) -> tuple[list[tuple[str, int]], float]:
    """Append to the runs in turn; return what was acknowledged, and the longest wait."""
    done = []
    longest = 0.0
    for step in range(EACH):
        run_id = ids[(step + number) % len(ids)]
        begin = time.monotonic()
        done.append((run_id, repo.runs.append_event(run_id, note(None, [number, step]))))
        longest = max(longest, time.monotonic() - begin)
    return done, longest


def check(repo: Repo, ids: list[str], answers: list[tuple[list[tuple[str, int]], float]]) -> None:
    """Nothing was lost, doubled or refused, each worker's events are in its order."""
    for run_id in ids:
        said = sorted(seq for done, _ in answers for name, seq in done if name == run_id)
        events = repo.runs.get_events(run_id)
        assert said == [event.seq for event in events] == list(range(1, len(events) + 1))
        payloads = [event.payload for event in events]
        for number in range(len(answers)):
            steps = [body[1] for body in payloads if isinstance(body, list) and body[0] == number]
            assert steps == sorted(steps)
    assert sum(len(done) for done, _ in answers) == len(answers) * EACH
    assert repo.verify().problems == ()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    with init(tmp_path) as repo:
        add_spec(repo)
    return tmp_path


def begin(repo: Repo) -> list[str]:
    spec = repo.specs.list()[0].digest
    return [repo.runs.create_run(spec, RunMetadata("agent")) for _ in range(3)]


@pytest.mark.parametrize("durability", ["group", "sync", "os"])
def test_threads(place: Path, durability: str) -> None:
    with open_repo(place, durability) as repo:
        ids = begin(repo)
        crowd = Crowd()
        for number in range(THREADS):
            crowd.go(partial(append, repo, number, ids))
        answers = crowd.wait()
        check(repo, ids, answers)  # type: ignore[arg-type]
        for run_id in ids:
            end(repo, run_id, RunStatus.COMPLETED)


def work(repo: Repo, number: int, meet: Callable[[], object], ids: list[str]) -> object:
    meet()
    return append(repo, number, ids)


def test_processes(place: Path) -> None:
    with open_repo(place) as repo, processes(PROCESSES) as hire:
        ids = begin(repo)
        answers = hire(str(place), "group")(work, ids)
        check(repo, ids, answers)
        # Far from the 30 seconds after which a writer would give up.
        assert max(longest for _, longest in answers) < 5


def test_killed_while_threads_commit_for_each_other(place: Path) -> None:
    """What any thread was told is there; each log is whole, and every run goes on."""
    with open_repo(place) as repo:
        spec = str(repo.specs.list()[0].digest)
        told = 0
        for _ in range(6):
            command = [sys.executable, "-c", SCRIPT, str(place), spec]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
                assert child.stdout is not None
                _, shared = child.stdout.readline().split()
                timer = threading.Timer(random.uniform(0.02, 0.2), child.kill)  # noqa: S311
                timer.start()
                lines = [line.split() for line in child.stdout if line.endswith("\n")]
                timer.join()
                assert child.wait() == -signal.SIGKILL
            said = {line[1]: 0 for line in lines if line[0] == "run"} | {shared: 0}
            for name, count in (line for line in lines if line[0] != "run"):
                run_id = shared if name == "shared" else name
                said[run_id] = max(said[run_id], int(count))
                told += 1
            for run_id, least in said.items():
                seqs = [event.seq for event in repo.runs.get_events(run_id)]
                assert seqs == list(range(1, len(seqs) + 1))
                assert len(seqs) >= least
                assert repo.runs.append_event(run_id, note()) == len(seqs) + 1
                end(repo, run_id, RunStatus.FAILED)
        assert repo.verify().ok
    assert told > 0
