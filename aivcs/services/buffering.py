"""What a live run has recorded and the ledger has not acknowledged yet."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from aivcs.domain.batch import Batch
from aivcs.domain.log_writes import Append
from aivcs.domain.stream import Family
from aivcs.errors import StorageError
from aivcs.services.alone import HINT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aivcs.domain.batch import Receipt, Reference
    from aivcs.domain.log_writes import Draft, EndRun
    from aivcs.domain.run import RunId
    from aivcs.domain.stored import StoredObject
    from aivcs.domain.stream import Entry
    from aivcs.ports import Ledger


MANY_EVENTS: Final = 100
MANY_BYTES: Final = 256 * 1024
"""What is more than that is committed at once, without waiting for more."""
MOST_EVENTS: Final = 10_000
MOST_BYTES: Final = 8 * 2**20
"""Where so much waits, whoever adds to it waits, too."""


class Urgency(Enum):
    """When what was added is to be committed; None where somebody was told already."""

    SOON = 1
    NOW = 2
    WAIT = 3
    """So much waits that whoever added must commit before it goes on."""


class _Needed(NamedTuple):
    """An object that must land, with the event that it is the body of or the run that needs it."""

    stored: StoredObject
    draft: Draft | None
    reference: Reference | None


class Buffer:
    """Events of one run in order, with the objects that must land with them.

    Any thread may add; whoever commits holds ``writing`` from ``take`` until ``landed`` or
    the error, so that events land in the order in which they were added. What was not
    acknowledged stays, and is taken again. ``error`` is what a commit met of which no caller
    knows yet. A signal's handler may add at any moment, also in the middle of adding; taking
    it refuses in the middle of a commit of its own thread.
    """

    def __init__(
        self, ledger: Ledger, run_id: RunId, epoch: Callable[[], int | None] = lambda: None
    ) -> None:
        self.writing = threading.RLock()
        self.error: BaseException | None = None
        self._ledger = ledger
        self._run_id = run_id
        self._epoch = epoch
        # A handler comes back to it while its thread has it.
        self._lock = threading.RLock()
        self._items: list[Draft | _Needed] = []
        self._bytes = 0
        self._new = 0
        self._new_bytes = 0
        self._is_many = False
        self._sent: tuple[Draft | _Needed, ...] = ()
        self._sent_bytes = 0
        self._seen = 0
        self._busy = False

    def add(self, draft: Draft, stored: StoredObject | None) -> Urgency | None:
        """Add an event; return when it is to be committed, where that is news."""
        item = draft if stored is None else _Needed(stored, draft, None)
        size = len(draft.body or "")
        if stored is not None:
            size += len(stored.data or b"")
        with self._lock:
            # At once, so that whoever comes in between finds all of it or nothing.
            self._items.append(item)
            self._bytes += size
            self._new += 1
            self._new_bytes += size
            if len(self._items) >= MOST_EVENTS or self._bytes >= MOST_BYTES:
                return Urgency.WAIT
            if self._is_many:
                return None
            if self._new >= MANY_EVENTS or self._new_bytes >= MANY_BYTES:
                self._is_many = True
                return Urgency.NOW
            return Urgency.SOON if self._new == 1 else None

    def untold(self) -> None:
        """Take what was added last for news again: nobody is going to commit it."""
        with self._lock:
            self._new = self._new_bytes = 0
            self._is_many = False

    def keep(self, stored: StoredObject, reference: Reference) -> None:
        """Add an object that the run needs."""
        item = _Needed(stored, None, reference)
        with self._lock:
            self._items.append(item)
            self._bytes += len(stored.data or b"")

    def take(self) -> Batch:
        """Return everything that waits, as a batch; an empty one is equal to ``Batch()``.

        Raises StorageError in the middle of a commit of this thread, and what reading raises.
        """
        self._drop_landed()
        with self._lock:
            # What a handler adds from here on is news again, and is in this batch or the next.
            self._new = self._new_bytes = 0
            self._is_many = False
            items = self._sent = tuple(self._items)
            self._sent_bytes = self._bytes
        needed = [item for item in items if isinstance(item, _Needed)]
        drafts = _drafts(items) if needed else cast("tuple[Draft, ...]", items)
        append = Append(Family.RUN, self._run_id, drafts, epoch=self._epoch())
        return Batch(
            objects=tuple([item.stored for item in needed]),
            appends=(append,) if drafts else (),
            references=tuple([item.reference for item in needed if item.reference is not None]),
        )

    def landed(self, receipt: Receipt) -> None:
        """Forget what ``take`` gave; it has landed."""
        self._forget()
        for seqs in receipt.seqs:
            self._seen = seqs[-1]

    def _forget(self) -> None:
        with self._lock:
            sent = self._sent
            # Whoever was interrupted here before has them removed already.
            if self._items[: len(sent)] == list(sent):
                del self._items[: len(sent)]
                self._bytes = self._bytes - self._sent_bytes if self._items else 0
            self._sent = ()

    @contextmanager
    def taking(self) -> Iterator[None]:
        """Be the one who commits; StorageError in the middle of a commit of this thread."""
        with self.writing:
            if self._busy:
                msg = f"this thread was interrupted while it committed events of run {self._run_id}"
                raise StorageError(msg, hint=HINT)
            try:
                self._busy = True
                yield
            finally:
                self._busy = False

    def commit(self, end: EndRun | None = None, references: tuple[Reference, ...] = ()) -> None:
        """Commit everything that waits, with the run's end if it ends; one transaction.

        Raises what ``Ledger.commit`` raises, and StorageError as ``taking``.
        """
        with self.taking():
            batch = self.take()
            if end is not None:
                needed = batch.references + references
                batch = replace(batch, references=needed, ends=(end,))
            if batch != Batch():
                self.landed(self._ledger.commit(batch))

    def _drop_landed(self) -> None:
        """Forget what was sent with a commit that failed, if it landed all the same."""
        sent = set(map(_content, _drafts(self._sent)))
        if not sent:
            return
        # Others may have written in between, and early events may stand among them.
        last = 0
        for entry in self._ledger.entries(Family.RUN, self._run_id, after=self._seen):
            if (content := _content(entry)) in sent:
                sent.remove(content)
                last = entry.seq
        if not sent:
            self._seen = last
            self._forget()
        self._sent = ()


def _drafts(items: tuple[Draft | _Needed, ...]) -> tuple[Draft, ...]:
    """Return the events among what waits."""
    found = [item.draft if isinstance(item, _Needed) else item for item in items]
    return tuple([draft for draft in found if draft is not None])


def _content(item: Draft | Entry) -> tuple[object, ...]:
    """Return what tells one event of this run from all others; no salt is drawn twice."""
    return item.kind, item.body, item.object, item.timestamp, item.recorded_at, item.salt
