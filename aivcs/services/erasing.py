"""Erasing the bodies of events, and with them every trace in the ledger's own files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from aivcs.domain.batch import Batch
from aivcs.domain.erasing import check_erasable
from aivcs.domain.events import check_seq
from aivcs.domain.log_writes import Erasure, Expiry
from aivcs.domain.stream import Family
from aivcs.errors import RunNotFound, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from aivcs.domain.digest import Digest
    from aivcs.domain.stream import Entry
    from aivcs.ports import Ledger


class Forget(Protocol):
    """Lets what is kept beside the ledger go: what was folded from a run's events."""

    def __call__(self, run_id: str, *, files: bool) -> None:
        """Forget it, with ``files`` also the values that were kept for the run; StorageError."""


@dataclass(frozen=True, slots=True)
class Purged:
    """What a purge did.

    ``erased`` bodies went just now, ``before`` were gone already. ``objects`` are bodies that
    were objects and that nothing needs any more: ``gc(full=True)`` removes their bytes.
    ``kept`` are those that something else needs, or that a live process holds still.
    ``traces`` tells whether the ledger's log may have bytes of them still, because somebody
    reads it just now, or the state store, because its file cannot be written; purging again
    clears them. ``files`` tells whether the run still keeps
    what is no event: its source, artifacts, checkpoints and states.
    """

    run_id: str
    erased: int
    before: int
    objects: tuple[Digest, ...]
    kept: tuple[Digest, ...]
    traces: bool
    files: bool


def purge(
    ledger: Ledger,
    run_id: str,
    seqs: Iterable[int] | None,
    *,
    expired_at: datetime | None,
    forget: Forget | None = None,
) -> Purged:
    """Erase bodies of an ended run, and let its files go where there is a time for that.

    See RunLedger.purge. ``forget`` is called once they are gone.
    """
    chosen = None if seqs is None else tuple(dict.fromkeys(map(check_seq, seqs)))
    # What the run says just before is what the erasure takes.
    with ledger.exclusive():
        head = ledger.stream(Family.RUN, run_id)
        if head is None:
            msg = f"no run {run_id}"
            raise RunNotFound(msg, hint="'aivcs run list' lists the runs")
        check_erasable(head)
        wanted = None if chosen is None else frozenset(chosen)
        gone = erased = 0
        bodies: dict[Digest, None] = {}
        for entry in _entries(ledger, run_id):
            if wanted is None or entry.seq in wanted:
                gone += entry.commitment is not None
                erased += entry.commitment is None
                if entry.object is not None:
                    bodies[entry.object] = None
        expired = () if expired_at is None else (Expiry(run_id, expired_at),)
        ledger.commit(Batch(erasures=(Erasure(run_id, chosen),), expired=expired))
    forgotten = forget is None or _forgotten(forget, run_id, files=expired_at is not None)
    large = tuple(bodies)
    free = ledger.unnamed(large) if large else set()
    run = ledger.run(run_id)
    return Purged(
        run_id=run_id,
        erased=erased,
        before=gone,
        objects=tuple(digest for digest in large if digest in free),
        kept=tuple(digest for digest in large if digest not in free),
        traces=not (ledger.compact() and forgotten),
        files=run is not None and run.expired_at is None,
    )


def _forgotten(forget: Forget, run_id: str, *, files: bool) -> bool:
    try:
        forget(run_id, files=files)
    except StorageError:
        return False
    return True


def _entries(ledger: Ledger, run_id: str) -> Iterator[Entry]:
    yield from ledger.entries(Family.RUN, run_id)
    yield from ledger.waiting(run_id).values()
