"""The thread that commits what live runs have buffered, soon after they did."""

from __future__ import annotations

import os
import threading
from contextlib import ExitStack
from time import monotonic
from typing import TYPE_CHECKING, Final
from weakref import WeakSet

from aivcs.domain.batch import Batch, Receipt
from aivcs.errors import RepositoryClosed, StorageError
from aivcs.services.buffering import Urgency

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aivcs.ports import Ledger
    from aivcs.services.buffering import Buffer

PATIENCE_SECONDS: Final = 0.1
"""So long an event waits for others before it is committed."""


class Writer:
    """Commits the buffers of a repository's live runs when they are due, in one transaction.

    Its thread begins with the first event that is buffered and ends with the last live run,
    or with ``close``; it never keeps the interpreter alive. What a commit met is left with
    the buffer; its events are tried again when something else is recorded.
    """

    def __init__(self, ledger: Ledger, patience: float = PATIENCE_SECONDS) -> None:
        self._ledger = ledger
        self._process = os.getpid()
        self._patience = patience
        self._changed = threading.Condition()
        self._buffers: WeakSet[Buffer] = WeakSet()
        self._due: dict[Buffer, float] = {}
        self._thread: threading.Thread | None = None
        self._closed = False

    def expect(self, buffer: Buffer, urgency: Urgency) -> None:
        """See to it that a buffer is committed at once, or by the end of the patience.

        Raises RepositoryClosed.
        """
        with self._changed:
            if self._closed:
                msg = "the repository is closed"
                raise RepositoryClosed(msg, hint="open it again")
            self._due[buffer] = monotonic() + self._patience * (urgency is Urgency.SOON)
            self._buffers.add(buffer)
            if self._thread is None:
                self._start()
            self._changed.notify()

    def _start(self) -> None:
        # Known before it starts, which takes long enough for a handler to come back here.
        self._thread = threading.Thread(target=self._work, name="aivcs-writer", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:
            self._thread = None
            msg = f"no thread can be started that commits events: {error}"
            raise StorageError(msg, hint="flush() commits them") from error

    def forget(self, buffer: Buffer) -> None:
        """Leave the buffer of a run that has ended alone."""
        with self._changed:
            self._due.pop(buffer, None)
            self._buffers.discard(buffer)
            self._changed.notify()

    def close(self) -> None:
        """Commit what is buffered, as far as that goes, and end the thread. Idempotent."""
        if self._process != os.getpid():
            return
        with self._changed:
            self._closed = True
            thread = self._thread
            self._changed.notify()
        if thread is not None:
            thread.join()

    def _work(self) -> None:
        while due := self._next():
            self._commit(due)

    def _next(self) -> list[Buffer]:
        """Wait until buffers are due, and return them; none when the thread shall end."""
        with self._changed:
            while True:
                now = monotonic()
                due = [one for one, at in self._due.items() if at <= now or self._closed]
                if due or self._closed or not self._buffers:
                    break
                first = min(self._due.values(), default=None)
                self._changed.wait(None if first is None else first - now)
            for buffer in due:
                del self._due[buffer]
            if not due:
                self._thread = None
            return due

    def _commit(self, due: list[Buffer]) -> None:
        with ExitStack() as held:
            taken: list[tuple[Buffer, Batch]] = []
            for buffer in due:
                try:
                    held.enter_context(buffer.taking())
                    if (batch := buffer.take()) != Batch():
                        taken.append((buffer, batch))
                except BaseException as error:  # noqa: BLE001 - raised at the run's next call
                    buffer.error = error
            if not taken:
                return
            batches = [batch for _, batch in taken]
            for (buffer, _), answer in zip(taken, self._answers(batches), strict=True):
                if isinstance(answer, Receipt):
                    buffer.landed(answer)
                else:
                    buffer.error = answer

    def _answers(self, batches: list[Batch]) -> Sequence[Receipt | BaseException]:
        try:
            if len(batches) == 1:
                return [self._ledger.commit(batches[0])]
            return self._ledger.commit_all(batches)
        except BaseException as error:  # noqa: BLE001 - raised at each run's next call
            return [error] * len(batches)
