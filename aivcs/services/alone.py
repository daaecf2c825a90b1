"""One write of a thread at a time: what interrupts a write must not write inside of it.

The handler of a signal, or a finaliser, runs in the middle of whatever its thread does. What it
committed inside a transaction that is open there would be acknowledged before it is kept, and
gone with it when that is taken back; or it would wait for its own thread for ever.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, cast

from aivcs.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aivcs.domain.batch import Batch, Receipt
    from aivcs.errors import AivcsError
    from aivcs.ports import Ledger

HINT: Final = "the handler of a signal leaves a mark, and what it interrupted writes later"


def alone(ledger: Ledger) -> Ledger:
    """Return the ledger with commits of which a thread makes one at a time."""
    return cast("Ledger", Alone(ledger))


class _Own(threading.local):
    """What a thread is doing: whether it commits, and how many ``exclusive`` are open."""

    busy = False
    depth = 0

    def check(self) -> None:
        """Raise StorageError in the middle of a commit."""
        if self.busy:
            msg = "this thread was interrupted in the middle of a commit"
            raise StorageError(msg, hint=HINT)


class Alone:
    """A ledger that refuses a commit in the middle of another one of the same thread.

    StorageError; nothing of it was kept. Inside ``exclusive`` commits join that, as ever. All
    other calls go to the ledger as they are.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._own = _Own()

    def commit(self, batch: Batch) -> Receipt:
        """Apply a batch; see ports.Ledger."""
        own = self._own
        own.check()
        # Set inside: whoever is interrupted before it is in no commit yet.
        try:
            own.busy = True
            return self._committed(batch)
        finally:
            own.busy = False

    def commit_all(self, batches: Sequence[Batch]) -> list[Receipt | AivcsError]:
        """Apply several batches; see ports.Ledger."""
        own = self._own
        own.check()
        try:
            own.busy = True
            return self._ledger.commit_all(batches)
        finally:
            own.busy = False

    def _committed(self, batch: Batch) -> Receipt:
        return self._ledger.commit(batch)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the one write transaction; what this thread commits inside joins it."""
        own = self._own
        own.check()
        try:
            own.busy = True
            with self._ledger.exclusive():
                own.busy = False
                own.depth += 1
                try:
                    yield
                finally:
                    own.depth -= 1
                    own.busy = True
        finally:
            own.busy = False

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the ledger has
        """Pass everything else on."""
        return getattr(self._ledger, name)
