"""Makes pieces of work before they are needed, in forked copies of this process.

For what holds the interpreter's lock, which threads would only take from one another. Copy k
of n does the pieces k, k + n, k + 2n ... and waits when its pipe is full, so the pieces come
in order and few of them at a time.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import os
import pickle
import signal
import struct
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Generic, NoReturn, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

_LENGTH: Final = struct.Struct("=Q")
_PIPE: Final = 2**20
_FEW: Final = 2


def is_possible() -> bool:
    """Tell whether copies may be made, and whether there are processors for them.

    A process that has threads makes none: a copy of it might wait for a lock for ever.
    """
    return hasattr(os, "fork") and threading.active_count() == 1 and _processors() >= _FEW


@contextmanager
def ahead(
    work: Callable[[int], T], count: int, *, processes: int | None = None
) -> Iterator[Iterator[T]]:
    """Yield work(n) for each n below ``count``, in order; see ports.Ahead.

    ``processes`` is how many copies work; by default one per processor.
    """
    crew = _Crew(work, count, min(processes or _processors(), count))
    try:
        # Where there can be no more processes or files, the fewer do.
        with contextlib.suppress(OSError):
            crew.fork()
        yield crew.results()
    finally:
        crew.end()


def _processors() -> int:
    return os.cpu_count() or 1


class _Crew(Generic[T]):
    """The copies, and a pipe from each with its results."""

    def __init__(self, work: Callable[[int], T], count: int, wanted: int) -> None:
        self._work = work
        self._count = count
        self._wanted = wanted
        self._pids: list[int] = []
        self._pipes: list[int] = []

    def fork(self) -> None:
        """Start the copies. Raises OSError; those that run already stay."""
        for number in range(self._wanted):
            self._fork(range(number, self._count, self._wanted))

    def _fork(self, numbers: range) -> None:
        mine, theirs = os.pipe()
        self._pipes.append(mine)
        if hasattr(fcntl, "F_SETPIPE_SZ"):
            with contextlib.suppress(OSError):  # a wider pipe only saves waiting
                fcntl.fcntl(theirs, fcntl.F_SETPIPE_SZ, _PIPE)
        # An interruption must not raise in the copy: it would run the caller's code on.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT,))
        try:
            pid = os.fork()
            if pid == 0:
                self._serve(theirs, numbers)
            self._pids.append(pid)
        finally:
            os.close(theirs)
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _serve(self, out: int, numbers: range) -> NoReturn:
        """Work; never return into the caller's code. What fails is left to the first process."""
        try:
            # Whoever interrupts the program ends its first process, which ends this one.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            # A collection would write to, and so copy, every page that is shared.
            gc.disable()
            for pipe in self._pipes:
                os.close(pipe)
            for n in numbers:
                data = pickle.dumps(self._work(n), pickle.HIGHEST_PROTOCOL)
                _write(out, _LENGTH.pack(len(data)))
                _write(out, data)
        finally:
            os._exit(0)

    def results(self) -> Iterator[T]:
        """Yield the results in order; what a copy that died owes is done here."""
        alive = set(range(len(self._pipes)))
        for n in range(self._count):
            number = n % self._wanted
            data = _received(self._pipes[number]) if number in alive else None
            if data is None:
                alive.discard(number)
                yield self._work(n)
            else:
                yield pickle.loads(data)  # noqa: S301 - from our copy

    def end(self) -> None:
        """Close the pipes and end the copies that are still there."""
        for pipe in self._pipes:
            os.close(pipe)
        self._pipes.clear()
        for pid in self._pids:
            # Where the signal of their end is ignored, nobody need wait for those that ended.
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        self._pids.clear()


def _received(pipe: int) -> bytearray | None:
    """Return the next result of a copy; None when it died before all of it was written."""
    length = _filled(pipe, _LENGTH.size)
    return None if length is None else _filled(pipe, _LENGTH.unpack(length)[0])


def _filled(pipe: int, size: int) -> bytearray | None:
    data = bytearray(size)
    with memoryview(data) as view:
        done = 0
        while done < size:
            count = os.readv(pipe, [view[done:]])
            if not count:
                return None
            done += count
    return data


def _write(out: int, data: bytes) -> None:
    with memoryview(data) as view:
        done = 0
        while done < len(view):
            done += os.write(out, view[done:])
