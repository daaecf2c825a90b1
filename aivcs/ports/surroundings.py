"""What is injected: time, ids, salts, pauses, and how work is spread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from datetime import datetime

T = TypeVar("T")


class Clock(Protocol):
    """Tells the time; injected, so that tests and the demo are deterministic."""

    def __call__(self) -> datetime:
        """Return the present moment, aware and in UTC."""
        ...


class Ids(Protocol):
    """Makes ids for runs; injected like the clock."""

    def __call__(self) -> str:
        """Return a text no other call returned."""
        ...


class Salts(Protocol):
    """Makes the salts of commitments; injected like the clock."""

    def __call__(self, size: int, /) -> bytes:
        """Return so many bytes that nobody can guess."""
        ...


class Pause(Protocol):
    """Waits a moment before something is looked at again; injected like the clock."""

    def __call__(self) -> object:
        """Return when it is time to look again."""
        ...


class Spread(Protocol):
    """Does pieces of work at the same time where that is faster.

    Yields (n, work(n)) for every n below ``count``, in any order. The work may be done in
    a copy of the process: it reads values and blobs, a ledger only as one that it opens for
    itself, and what it returns can be pickled. What it raises is raised here.
    """

    def __call__(
        self, work: Callable[[int], T], count: int
    ) -> AbstractContextManager[Iterator[tuple[int, T]]]:
        """Begin; the copies end with the context."""
        ...


class Ahead(Protocol):
    """Does pieces of work before their results are asked for, in copies of the process.

    Yields work(n) for every n below ``count``, in order, with few of them in memory. The
    work and its results are as for Spread. What it raises in a copy, or a copy that dies,
    has the piece done once more here, which raises what it then raises.
    """

    def __call__(self, work: Callable[[int], T], count: int) -> AbstractContextManager[Iterator[T]]:
        """Begin; the copies end with the context."""
        ...
