"""Spreads pieces of work over the processors with forked copies of this process.

Hashing small objects holds the interpreter's lock, so threads would not help. A copy
shares what was read before it began, starts within milliseconds, and only computes and
reads blobs: the ledger that it inherits refuses every call in it; see copies.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import select
import signal
import struct
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Generic, NoReturn, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

_TOKEN: Final = struct.Struct("=I")
_TOKENS: Final = 1000
"""They are written before anybody reads, so all of them must fit into a pipe."""


@contextmanager
def spread(
    work: Callable[[int], T], count: int, *, processes: int | None = None
) -> Iterator[Iterator[tuple[int, T]]]:
    """Yield (n, work(n)) for each n below ``count``, in any order; see ports.Spread.

    ``processes`` is how many work, this one included; by default one per processor. A
    process that has threads works alone, because a copy of it might wait for a lock for
    ever.
    """
    wanted = min(processes or os.cpu_count() or 1, count)
    if wanted < 2 or threading.active_count() > 1:  # noqa: PLR2004 - alone
        yield ((n, work(n)) for n in range(count))
        return
    crew = _Crew(work, count)
    try:
        for _ in range(wanted - 1):
            crew.fork()
        yield crew.results()
    finally:
        crew.end()


class _Crew(Generic[T]):
    """The copies, the pipe they take tokens from, and a pipe from each with its results."""

    def __init__(self, work: Callable[[int], T], count: int) -> None:
        self._work = work
        self._count = count
        self._pids: list[int] = []
        self._pipes: dict[int, bytearray] = {}
        self._tokens, tail = os.pipe()
        self._left = set(range(count))
        os.write(tail, b"".join(_TOKEN.pack(n) for n in range(min(count, _TOKENS))))
        os.close(tail)

    def fork(self) -> None:
        """Start a copy."""
        mine, theirs = os.pipe()
        pid = os.fork()
        if pid == 0:
            self._serve(theirs)
        os.close(theirs)
        self._pids.append(pid)
        self._pipes[mine] = bytearray()

    def _serve(self, out: int) -> NoReturn:
        """Work until no token is left; never return into the caller's code."""
        try:
            # Whoever interrupts the program ends its first process, which ends this one.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            while numbers := self._take():
                for n in numbers:
                    data = pickle.dumps((n, self._work(n)))
                    _write(out, _TOKEN.pack(len(data)) + data)
        finally:
            os._exit(0)

    def _take(self) -> range:
        token = os.read(self._tokens, _TOKEN.size)
        return range(_TOKEN.unpack(token)[0], self._count, _TOKENS) if token else range(0)

    def results(self) -> Iterator[tuple[int, T]]:
        """Yield what the copies find, and work too; what a dead copy left is done last."""
        while True:
            yield from self._received(0)
            numbers = self._take()
            if not numbers:
                break
            for n in numbers:
                yield self._done(n, self._work(n))
        while self._pipes:
            yield from self._received(None)
        for n in sorted(self._left):
            yield self._done(n, self._work(n))

    def _received(self, timeout: float | None) -> Iterator[tuple[int, T]]:
        ready, _, _ = select.select(list(self._pipes), [], [], timeout)
        for pipe in ready:
            data = os.read(pipe, 2**16)
            if not data:
                os.close(pipe)
                del self._pipes[pipe]
                continue
            held = self._pipes[pipe]
            held += data
            while len(held) >= _TOKEN.size:
                end = _TOKEN.size + _TOKEN.unpack_from(held)[0]
                if len(held) < end:
                    break
                n, found = pickle.loads(held[_TOKEN.size : end])  # noqa: S301 - from our copy
                del held[:end]
                yield self._done(n, found)

    def _done(self, n: int, found: T) -> tuple[int, T]:
        self._left.discard(n)
        return n, found

    def end(self) -> None:
        """Close the pipes and end the copies that are still there."""
        os.close(self._tokens)
        for pipe in self._pipes:
            os.close(pipe)
        self._pipes.clear()
        for pid in self._pids:
            # Where the signal of their end is ignored, nobody need wait for those that ended.
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        self._pids.clear()


def _write(out: int, data: bytes) -> None:
    with memoryview(data) as view:
        done = 0
        while done < len(view):
            done += os.write(out, view[done:])
