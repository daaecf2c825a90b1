"""Results that copies of the process make come in order, whatever becomes of a copy."""

from __future__ import annotations

import errno
import os
import signal
import threading
from pathlib import Path

import pytest

from aivcs.adapters import relay
from aivcs.adapters.relay import ahead

# Those who run tests in several processes have threads of their own.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")


@pytest.mark.parametrize("processes", [None, 1, 2, 3])
@pytest.mark.parametrize("count", [0, 1, 2, 7, 2500])
def test_the_results_come_in_order(count: int, processes: int | None) -> None:
    with ahead(lambda n: n * n, count, processes=processes) as results:
        assert list(results) == [n * n for n in range(count)]


def test_copies_do_the_work() -> None:
    with ahead(lambda _: os.getpid(), 6, processes=2) as results:
        first, second, *others = results
    assert os.getpid() not in {first, second}
    assert first != second
    assert others == [first, second] * 2


def test_large_results_arrive_whole() -> None:
    with ahead(lambda n: bytes([n]) * 3_000_000, 5, processes=2) as results:
        assert list(results) == [bytes([n]) * 3_000_000 for n in range(5)]


def test_a_copy_waits_while_nobody_takes_its_results() -> None:
    counted, tail = os.pipe()

    def work(_: int) -> bytes:
        os.write(tail, b".")
        return bytes(2**20)

    with ahead(work, 50, processes=1) as results:
        assert len(next(results)) == 2**20
        # Another two fill the pipe and wait for it; the first is taken.
        assert os.read(counted, 50) in {b"." * n for n in range(1, 5)}
    os.close(tail)
    assert len(os.read(counted, 50)) < 5
    os.close(counted)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_what_a_dead_copy_owes_is_done_here(number: int) -> None:
    own = os.getpid()

    def work(n: int) -> tuple[int, bool]:
        if n == 4 and os.getpid() != own:
            os.kill(os.getpid(), number)
        return n, os.getpid() == own

    with ahead(work, 9, processes=2) as results:
        found = list(results)
    assert [n for n, _ in found] == list(range(9))
    assert [n for n, here in found if here] == [4, 6, 8]


def test_a_result_that_was_cut_short_is_made_again() -> None:
    own = os.getpid()
    real = os.write

    def half(out: int, data: bytes) -> int:
        done = real(out, data[: len(data) // 2 or 1])
        if len(data) > 1000:
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    def work(n: int) -> bytes:
        if os.getpid() != own:
            os.write = half  # type: ignore[assignment]  # in the copy alone
        return bytes([n]) * 5000

    with ahead(work, 3, processes=1) as results:
        assert list(results) == [bytes([n]) * 5000 for n in range(3)]


def test_what_the_work_raises_is_raised_in_its_turn() -> None:
    def work(n: int) -> int:
        if n == 3:
            msg = "three"
            raise ValueError(msg)
        return n

    with ahead(work, 9, processes=2) as results:
        assert [next(results) for _ in range(3)] == [0, 1, 2]
        with pytest.raises(ValueError, match="three"):
            next(results)


def test_an_interruption_reaches_the_first_process_alone() -> None:
    own = os.getpid()

    def work(n: int) -> tuple[int, bool]:
        if os.getpid() != own:
            os.kill(os.getpid(), signal.SIGINT)
        return n, os.getpid() == own

    with ahead(work, 5, processes=2) as results:
        assert list(results) == [(n, False) for n in range(5)]
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_copies_and_pipes_end_with_the_context() -> None:
    descriptors = Path("/proc/self/fd")
    before = len(list(descriptors.iterdir()))
    with ahead(lambda n: (n, os.getpid(), bytes(2**20)), 50, processes=2) as results:
        pids = [next(results)[1] for _ in range(2)]
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert len(list(descriptors.iterdir())) == before


@pytest.mark.parametrize("made", [0, 1])
@pytest.mark.parametrize("name", ["fork", "pipe"])
def test_where_there_can_be_no_more_processes_fewer_do(
    monkeypatch: pytest.MonkeyPatch, name: str, made: int
) -> None:
    real, left = getattr(os, name), [None] * made

    def fail() -> object:
        if left:
            left.pop()
            return real()
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(os, name, fail)
    with ahead(lambda n: n, 9, processes=2) as results:
        assert list(results) == list(range(9))


def test_nobody_is_copied_beside_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    assert relay.is_possible()
    monkeypatch.setattr(threading, "active_count", lambda: 2)
    assert not relay.is_possible()
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert not relay.is_possible()
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.delattr(os, "fork")
    assert not relay.is_possible()


def test_copies_that_nobody_need_wait_for_are_no_error() -> None:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        with ahead(lambda n: n, 100, processes=2) as results:
            assert list(results) == list(range(100))
    finally:
        signal.signal(signal.SIGCHLD, before)
