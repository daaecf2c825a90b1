"""Work that is spread over processes is done once each, whatever becomes of a process."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from aivcs.adapters.forks import spread

# Those who run tests in several processes have threads of their own.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    if "beside_threads" not in request.node.name:
        monkeypatch.setattr(threading, "active_count", lambda: 1)


@pytest.mark.parametrize("processes", [1, 2, 3])
@pytest.mark.parametrize("count", [0, 1, 2, 7, 2500])
def test_each_piece_is_done_once(count: int, processes: int) -> None:
    with spread(lambda n: n * n, count, processes=processes) as results:
        assert sorted(results) == [(n, n * n) for n in range(count)]


def test_others_work_too() -> None:
    begun, tail = os.pipe()

    def work(_: int) -> int:
        if os.getpid() == own:
            os.read(begun, 1)
        else:
            os.write(tail, b"." * 50)
        return os.getpid()

    own = os.getpid()
    with spread(work, 50, processes=2) as results:
        found = [pid for _, pid in results]
    os.close(begun)
    os.close(tail)
    assert len(found) == 50
    assert set(found) - {own}


def test_large_results_arrive_whole() -> None:
    with spread(lambda n: bytes([n]) * 300_000, 9, processes=2) as results:
        assert dict(results) == {n: bytes([n]) * 300_000 for n in range(9)}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_what_a_dead_process_left_is_done(number: int) -> None:
    own = os.getpid()

    def work(n: int) -> int:
        if os.getpid() != own:
            os.kill(os.getpid(), number)
        return n

    with spread(work, 20, processes=3) as results:
        assert sorted(n for n, _ in results) == list(range(20))


def test_an_error_is_raised_here() -> None:
    def work(n: int) -> int:
        return 1 // (n - 3)

    with pytest.raises(ZeroDivisionError), spread(work, 5, processes=2) as results:
        list(results)


def test_nothing_is_left_of_one_that_was_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    # Other tests may have left children of this process, so only these are asked for.
    copies: list[int] = []
    fork = os.fork

    def forked() -> int:
        pid = fork()
        copies.append(pid)
        return pid

    monkeypatch.setattr(os, "fork", forked)

    def interrupted() -> None:
        with spread(lambda n: n, 1000, processes=3) as results:
            next(results)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len(copies) == 2
    for pid in copies:
        with pytest.raises(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def test_beside_threads_nothing_is_copied() -> None:
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        with spread(lambda _: os.getpid(), 9, processes=2) as results:
            assert {pid for _, pid in results} == {os.getpid()}
    finally:
        done.set()
        thread.join()


def test_copies_that_nobody_need_wait_for_are_no_error() -> None:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        with spread(lambda n: n, 100, processes=2) as results:
            assert sorted(results) == [(n, n) for n in range(100)]
    finally:
        signal.signal(signal.SIGCHLD, before)
