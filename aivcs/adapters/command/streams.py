"""The command's output: read, passed on at once, handed out."""

from __future__ import annotations

import os
import select
import selectors
from typing import TYPE_CHECKING, Final

from aivcs.domain.observation import Output

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import IO, Self

_PIECE: Final = 64 * 2**10


class Streams:
    """The reading ends of the command's pipes.

    ``pipes`` has for each its name, the pipe, and the descriptor that its bytes are passed
    on to. A descriptor that takes no more (its reader went away) closes the pipe, so that
    the command learns of it as it would without a watcher.
    """

    def __init__(self, pipes: Iterable[tuple[str, IO[bytes] | None, int]]) -> None:
        self._selector = selectors.DefaultSelector()
        for name, pipe, target in pipes:
            if pipe is not None:
                self._selector.register(pipe, selectors.EVENT_READ, (name, pipe, target))

    @property
    def open(self) -> bool:
        """Whether any pipe may still give bytes."""
        return bool(self._selector.get_map())

    def ready(self, seconds: float) -> list[selectors.SelectorKey]:
        """Wait up to so long and return the pipes that can be read."""
        return [key for key, _ in self._selector.select(seconds)]

    def read(self, ready: Iterable[selectors.SelectorKey]) -> Iterator[Output]:
        """Read up to 64 KiB of each ready pipe, pass them on and yield them."""
        for key in ready:
            name, pipe, target = key.data
            data = os.read(key.fd, _PIECE)
            if not (data and _passed_on(target, data)):
                self._selector.unregister(pipe)
                pipe.close()
            if data:
                yield Output(name, data)

    def __enter__(self) -> Self:
        """Return self."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the pipes."""
        for key in list(self._selector.get_map().values()):
            key.data[1].close()
        self._selector.close()


def _passed_on(target: int, data: bytes) -> bool:
    with memoryview(data) as view:
        done = 0
        while done < len(view):
            try:
                done += os.write(target, view[done:])
            except BlockingIOError:
                select.select([], [target], [])
            except OSError:
                return False
    return True
