"""The lease of a run while this process holds it, and where a run can be resumed under one."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from aivcs.domain.batch import Batch
from aivcs.domain.lease import LeaseToken, check_seconds
from aivcs.domain.log_writes import Claim
from aivcs.errors import AivcsError, Fenced, RepositoryClosed, TransitionError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from typing import Self

    from aivcs.domain.replay import ResumePoint
    from aivcs.domain.run import RunRecord
    from aivcs.ports import Clock, Ids, Ledger

SECONDS: Final = 30.0
"""How long a lease lasts that is not renewed, unless somebody says otherwise."""
_BEATS: Final = 3


def holder_name(ids: Ids) -> str:
    """Return a name for who takes a lease: machine, process, and what tells it from others."""
    return f"{os.uname().nodename}:{os.getpid()}:{ids()[:8]}"


class HeldLease:
    """The lease of a run, taken when this is made; a context manager that lets go of it.

    A thread renews it three times in the time it lasts; a renewal is not synced. What this
    repository object writes to the run bears its epoch, also after somebody took the lease
    over: those writes raise Fenced. ``flush`` is called before it is let go. Raises
    RunNotFound, InvalidRunState (the run has ended), Fenced (somebody else holds it),
    InvalidInputError, StorageError.
    """

    def __init__(  # noqa: PLR0913 - one argument a part
        self,
        ledger: Ledger,
        clock: Clock,
        epochs: dict[str, int],
        run_id: str,
        holder: str,
        seconds: float,
        *,
        beating: bool = True,
        flush: Callable[[], None] = lambda: None,
    ) -> None:
        self._lasts = timedelta(seconds=check_seconds(seconds))
        self._ledger = ledger
        self._clock = clock
        self._epochs = epochs
        self._flush = flush
        self._process = os.getpid()
        # A handler comes back to it while its thread has it.
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.run_id = run_id
        self.holder = holder
        self.lost = False
        now = clock()
        self.deadline: datetime = now + self._lasts
        claim = Claim(run_id, holder, self.deadline, now)
        (self.epoch,) = ledger.commit(Batch(claims=(claim,))).epochs
        epochs[run_id] = self.epoch
        if beating:
            name = f"lease of run {run_id}"
            self._thread = threading.Thread(target=self._beat, name=name, daemon=True)
            self._thread.start()

    @property
    def token(self) -> str:
        """What children of this process need, as AIVCS_RUN_LEASE, to write under the lease."""
        return str(LeaseToken(self.run_id, self.epoch))

    @property
    def renewing(self) -> bool:
        """Whether a thread renews it."""
        return self._thread is not None and self._thread.is_alive()

    def renew(self) -> None:
        """Move the deadline on, from this moment.

        Raises Fenced once it was taken over, RepositoryClosed in a forked child.
        """
        if self._process != os.getpid():
            msg = f"the lease of run {self.run_id} was taken before this process was forked"
            raise RepositoryClosed(msg, hint="open the repository again in the child process")
        with self._lock:
            if not self._stop.is_set():
                now = self._clock()
                self._move(now + self._lasts, now)

    def _move(self, deadline: datetime | None, now: datetime) -> None:
        claim = Claim(self.run_id, self.holder, deadline, now, self.epoch)
        try:
            self._ledger.commit(Batch(claims=(claim,)))
        except Fenced:
            self.lost = True
            raise
        if deadline is not None:
            self.deadline = deadline

    def _beat(self) -> None:
        while not self._stop.wait(self._lasts.total_seconds() / _BEATS):
            try:
                self.renew()
            except (Fenced, TransitionError, RepositoryClosed):
                return
            except AivcsError:
                # A disk that fails may work again at the next beat.
                continue

    def release(self) -> None:
        """Let go, so that others need not wait for the deadline; idempotent.

        Nothing is left to let go of when the run has ended, or somebody took it over. In a
        forked child nothing happens. Raises StorageError: the lease ends at its deadline then.
        """
        if self._process != os.getpid() or self._stop.is_set():
            return
        try:
            self._flush()
        finally:
            with self._lock:
                self._stop.set()
                try:
                    with suppress(Fenced, TransitionError):
                        self._move(None, self._clock())
                finally:
                    # Who lost it stays fenced off.
                    if not self.lost and self._epochs.get(self.run_id) == self.epoch:
                        del self._epochs[self.run_id]
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def __enter__(self) -> Self:
        """Return self."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go."""
        self.release()


class Resumption:
    """A run that is taken up again: its record, where to begin, and the lease, if one was taken.

    ``point`` is None for a run without a checkpoint: begin at the beginning. A context manager
    that lets go of the lease.
    """

    def __init__(self, run: RunRecord, point: ResumePoint | None, lease: HeldLease | None) -> None:
        self.run = run
        self.point = point
        self.lease = lease

    def __enter__(self) -> Self:
        """Return self."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the lease."""
        if self.lease is not None:
            self.lease.release()
