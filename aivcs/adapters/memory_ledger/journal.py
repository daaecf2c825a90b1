"""One lock over all of a ledger's values, and how to take a change back."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from aivcs.errors import RepositoryClosed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

K = TypeVar("K")
V = TypeVar("V")


class Journal:
    """What every part of the ledger in memory shares."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.closed = False
        self._undo: list[Callable[[], object]] = []
        self._depth = 0

    def reading(self) -> threading.RLock:
        """Return the lock, to be held while reading; RepositoryClosed after the end."""
        if self.closed:
            msg = "the repository in memory is closed"
            raise RepositoryClosed(msg, hint="open a new one")
        return self.lock

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the lock; an error takes back what was done inside, and no more."""
        with self.reading():
            begin = len(self._undo)
            self._depth += 1
            try:
                yield
            except BaseException:
                while len(self._undo) > begin:
                    self._undo.pop()()
                raise
            finally:
                self._depth -= 1
                if not self._depth:
                    self._undo.clear()

    def on_error(self, action: Callable[[], object]) -> None:
        """Remember how to take back a step."""
        self._undo.append(action)

    def put(self, table: dict[K, V], key: K, value: V) -> None:
        """Set a value of a table."""
        if key in table:
            old = table[key]
            self.on_error(lambda: table.__setitem__(key, old))
        else:
            self.on_error(lambda: table.pop(key))
        table[key] = value

    def remove(self, table: dict[K, V], key: K) -> None:
        """Remove a key of a table where it has one."""
        if key in table:
            old = table.pop(key)
            self.on_error(lambda: table.__setitem__(key, old))
