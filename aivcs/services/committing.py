"""Group commit: callers that write at the same time share one sync of the disk."""

from __future__ import annotations

import os
import threading
from collections import deque
from typing import TYPE_CHECKING, Final, cast

from aivcs.errors import AivcsError, RepositoryClosed, StorageError
from aivcs.services.alone import Alone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aivcs.domain.batch import Batch, Receipt
    from aivcs.ports import Ledger

GROUP: Final = 256
"""The most batches of one transaction."""
GROUP_BYTES: Final = 4 * 2**20
"""The most bytes of one transaction; a batch that is heavier goes alone."""


def grouped(ledger: Ledger) -> Ledger:
    """Return the ledger with commits that callers of several threads share."""
    return cast("Ledger", GroupCommit(ledger))


def weight(batch: Batch) -> int:
    """Return about how many bytes a batch adds to the log and to hot objects."""
    bodies = sum(len(draft.body or "") for append in batch.appends for draft in append.drafts)
    return bodies + sum(len(item.data or b"") for item in batch.objects)


def _may_share(batch: Batch) -> bool:
    """Tell whether a batch is of the small ones that many callers make at the same time.

    What arranges or deletes objects waits for nobody; holds and renewed leases alone are not
    synced, which others in the group would change.
    """
    rare = batch.restored or batch.packs or batch.moves or batch.finds or batch.dropped_packs
    alone = batch.holds or batch.claims or batch.erasures or batch.deletions
    return not (rare or alone)


class _Ticket:
    """A caller who waits: its batch, its answer, and whether it is to lead the next group."""

    __slots__ = ("answer", "batch", "gate", "leads", "main", "weight")

    def __init__(self, batch: Batch, weight: int) -> None:
        self.batch = batch
        self.weight = weight
        self.answer: Receipt | Exception | None = None
        self.leads = False
        self.main = threading.current_thread() is threading.main_thread()
        self.gate = threading.Lock()
        self.gate.acquire()

    def result(self) -> Receipt:
        """Return the receipt, or raise the error."""
        if self.answer is None:
            msg = "the thread that committed for several was interrupted"
            raise StorageError(msg, hint="read whether it landed before it is repeated")
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class GroupCommit(Alone):
    """A ledger whose commits of small batches are made in groups.

    Whoever finds nobody at it commits at once; those who come meanwhile wait, and one of
    them commits for all of them next. So one thread alone pays nothing, and many share a
    sync. Each call returns after the sync with its own receipt, or raises its own error;
    a failure of the disk reaches everybody in the group. What waits is bounded by the
    number of callers, as each waits for its own batch; a transaction by GROUP and
    GROUP_BYTES. The rest is as ``Alone`` has it.
    """

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._queue: deque[_Ticket] = deque()
        self._busy = False

    def _committed(self, batch: Batch) -> Receipt:
        self._require_own_process()
        size = weight(batch)
        if size > GROUP_BYTES or not _may_share(batch) or self._own.depth:
            return self._ledger.commit(batch)
        ticket: _Ticket | None = None
        leads = False
        # An interrupt may come between any two steps; two who lead at once do no harm.
        try:
            with self._lock:
                leads = not self._busy
                self._busy = True
                if not leads:
                    ticket = _Ticket(batch, size)
                    self._queue.append(ticket)
            if ticket is None:
                return self._ledger.commit(batch)
            ticket.gate.acquire()
            if ticket.leads:
                self._lead(ticket)
            return ticket.result()
        finally:
            if ticket is not None:
                leads = self._left(ticket)
            if leads:
                self._pass_on()

    def _left(self, ticket: _Ticket) -> bool:
        """Take back what nobody has begun to commit; tell whether the caller leads."""
        with self._lock:
            if ticket in self._queue:
                self._queue.remove(ticket)
            return ticket.leads

    def _pass_on(self) -> None:
        """Let one of those who wait commit next.

        Never the main thread for others: a signal's handler may raise an error in it, at
        any place.
        """
        with self._lock:
            if not self._queue:
                self._busy = False
                return
            chosen = next((one for one in self._queue if not one.main), self._queue[0])
            self._queue.remove(chosen)
            self._queue.appendleft(chosen)
            chosen.leads = True
        chosen.gate.release()

    def _lead(self, own: _Ticket) -> None:
        """Commit for all who wait, and wake them."""
        group = self._taken(own)
        try:
            for ticket, answer in zip(group, self._answers(group), strict=True):
                ticket.answer = answer
        finally:
            for ticket in group:
                if ticket is not own:
                    ticket.gate.release()

    def _taken(self, own: _Ticket) -> list[_Ticket]:
        """Take those who wait from the queue, the one who commits first."""
        with self._lock:
            group = [self._queue.popleft()]
            size = group[0].weight
            while self._queue and len(group) < GROUP and not own.main:
                size += self._queue[0].weight
                if size > GROUP_BYTES:
                    break
                group.append(self._queue.popleft())
            return group

    def _answers(self, group: list[_Ticket]) -> Sequence[Receipt | Exception]:
        if len(group) == 1:
            return [self._alone(group[0])]
        try:
            return self._ledger.commit_all([ticket.batch for ticket in group])
        except AivcsError as error:
            # The same object must not be raised in several threads.
            return [type(error)(error.message, hint=error.hint) for _ in group]
        except Exception:  # noqa: BLE001 - each caller's own error is raised for it
            # Nothing landed, as one of the batches is no batch; each answers for itself.
            return [self._alone(ticket) for ticket in group]

    def _alone(self, ticket: _Ticket) -> Receipt | Exception:
        try:
            return self._ledger.commit(ticket.batch)
        except Exception as error:  # noqa: BLE001 - raised where the batch came from
            return error

    def _require_own_process(self) -> None:
        if self._process != os.getpid():
            msg = "the repository was opened before this process was forked"
            raise RepositoryClosed(msg, hint="open it again in the child process")
