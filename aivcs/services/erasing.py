"""Erasing the bodies of events, and with them every trace in the ledger's own files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aivcs.domain.batch import Batch, Erasure
from aivcs.domain.erasing import check_erasable
from aivcs.domain.events import check_seq
from aivcs.domain.stream import Family
from aivcs.errors import RunNotFound

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aivcs.domain.digest import Digest
    from aivcs.domain.stream import Entry
    from aivcs.ports import Ledger


@dataclass(frozen=True, slots=True)
class Purged:
    """What a purge did.

    ``erased`` bodies went just now, ``before`` were gone already. ``objects`` are bodies that
    were objects and that nothing needs any more: ``gc(full=True)`` removes their bytes;
    ``kept`` are those that something else needs, or a live process holds. ``traces`` tells
    whether the ledger's log file may hold bytes of bodies still, because somebody reads it:
    purge again, which then only clears it.
    """

    run_id: str
    erased: int
    before: int
    objects: tuple[Digest, ...]
    kept: tuple[Digest, ...]
    traces: bool


def purge(ledger: Ledger, run_id: str, seqs: Iterable[int] | None = None) -> Purged:
    """Erase bodies of an ended run; see RunLedger.purge."""
    chosen = None if seqs is None else tuple(dict.fromkeys(map(check_seq, seqs)))
    head = ledger.stream(Family.RUN, run_id)
    if head is None:
        msg = f"no run {run_id}"
        raise RunNotFound(msg, hint="'aivcs run list' lists the runs")
    check_erasable(head)
    # What the run says just before is what the erasure takes.
    with ledger.exclusive():
        found = list(_entries(ledger, run_id, chosen))
        ledger.commit(Batch(erasures=(Erasure(run_id, chosen),)))
        large = tuple(dict.fromkeys(digest for digest, _ in found if digest is not None))
    free = ledger.unnamed(large) if large else set()
    gone = sum(erased for _, erased in found)
    return Purged(
        run_id=run_id,
        erased=len(found) - gone,
        before=gone,
        objects=tuple(digest for digest in large if digest in free),
        kept=tuple(digest for digest in large if digest not in free),
        traces=not ledger.compact(),
    )


def _entries(
    ledger: Ledger, run_id: str, seqs: tuple[int, ...] | None
) -> Iterable[tuple[Digest | None, bool]]:
    """Yield of each entry to erase its object, if its body is one, and whether it is erased."""
    wanted = None if seqs is None else frozenset(seqs)

    def all_entries() -> Iterable[Entry]:
        yield from ledger.entries(Family.RUN, run_id)
        yield from ledger.waiting(run_id).values()

    for entry in all_entries():
        if wanted is None or entry.seq in wanted:
            yield entry.object, entry.commitment is not None
