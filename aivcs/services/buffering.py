"""What a live run has recorded and the ledger has not acknowledged yet."""

from __future__ import annotations

import threading
from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING, Final

from aivcs.domain.batch import Batch
from aivcs.domain.log_writes import Append
from aivcs.domain.stream import Family

if TYPE_CHECKING:
    from collections.abc import Callable

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


class Buffer:
    """Events of one run in order, with the objects that must land with them.

    Any thread may add; whoever commits holds ``writing`` from ``take`` until ``landed`` or
    the error, so that events land in the order in which they were added. What was not
    acknowledged stays, and is taken again. ``error`` is what a commit met of which no caller
    knows yet.
    """

    def __init__(
        self, ledger: Ledger, run_id: RunId, epoch: Callable[[], int | None] = lambda: None
    ) -> None:
        self.writing = threading.RLock()
        self.error: BaseException | None = None
        self._ledger = ledger
        self._run_id = run_id
        self._epoch = epoch
        self._lock = threading.Lock()
        self._drafts: list[Draft] = []
        self._stored: list[StoredObject] = []
        self._references: list[Reference] = []
        self._bytes = 0
        self._new = 0
        self._new_bytes = 0
        self._is_many = False
        self._sent: tuple[Draft, ...] = ()
        self._seen = 0

    def add(self, draft: Draft, stored: StoredObject | None) -> Urgency | None:
        """Add an event; return when it is to be committed, where that is news."""
        size = len(draft.body or "")
        if stored is not None:
            size += len(stored.data or b"")
        with self._lock:
            self._drafts.append(draft)
            if stored is not None:
                self._stored.append(stored)
            self._bytes += size
            self._new += 1
            self._new_bytes += size
            if len(self._drafts) >= MOST_EVENTS or self._bytes >= MOST_BYTES:
                return Urgency.WAIT
            if self._is_many:
                return None
            if self._new >= MANY_EVENTS or self._new_bytes >= MANY_BYTES:
                self._is_many = True
                return Urgency.NOW
            return Urgency.SOON if self._new == 1 else None

    def keep(self, stored: StoredObject, reference: Reference) -> None:
        """Add an object that the run needs."""
        with self._lock:
            self._stored.append(stored)
            self._references.append(reference)
            self._bytes += len(stored.data or b"")

    def take(self) -> Batch:
        """Return everything that waits, as a batch; an empty one is equal to ``Batch()``."""
        self._drop_landed()
        with self._lock:
            self._new = self._new_bytes = 0
            self._is_many = False
            self._sent = tuple(self._drafts)
            append = Append(Family.RUN, self._run_id, self._sent, epoch=self._epoch())
            return Batch(
                objects=tuple(self._stored),
                appends=(append,) if self._sent else (),
                references=tuple(self._references),
            )

    def landed(self, batch: Batch, receipt: Receipt) -> None:
        """Forget what ``take`` gave; it has landed."""
        drafts = batch.appends[0].drafts if batch.appends else ()
        size = sum(len(draft.body or "") for draft in drafts)
        size += sum(len(item.data or b"") for item in batch.objects)
        with self._lock:
            del self._drafts[: len(drafts)]
            del self._stored[: len(batch.objects)]
            del self._references[: len(batch.references)]
            self._bytes -= size
            self._sent = ()
        for seqs in receipt.seqs:
            self._seen = seqs[-1]

    def commit(self, end: EndRun | None = None, references: tuple[Reference, ...] = ()) -> None:
        """Commit everything that waits, with the run's end if it ends; one transaction.

        Raises what ``Ledger.commit`` raises.
        """
        with self.writing:
            batch = self.take()
            whole = batch
            if end is not None:
                needed = batch.references + references
                whole = replace(batch, references=needed, ends=(end,))
            if whole != Batch():
                self.landed(batch, self._ledger.commit(whole))

    def _drop_landed(self) -> None:
        """Forget drafts of a commit that failed and landed all the same."""
        sent = [_content(draft) for draft in self._sent]
        if not sent:
            return
        entries = self._ledger.entries(Family.RUN, self._run_id, after=self._seen)
        found = [_content(entry) for entry in entries]
        for at in range(len(found)):
            if found[at : at + len(sent)] == sent:
                with self._lock:
                    self._bytes -= sum(len(draft.body or "") for draft in self._sent)
                    del self._drafts[: len(sent)]
                self._seen += at + len(sent)
                break
        self._sent = ()


def _content(item: Draft | Entry) -> tuple[object, ...]:
    """Return what tells one event of this run from another."""
    return item.kind, item.body, item.object, item.timestamp, item.recorded_at, item.salt
