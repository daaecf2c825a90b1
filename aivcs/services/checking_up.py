"""Whether the parts of an open repository are well."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from aivcs.domain import moment
from aivcs.domain.checkup import Check, look
from aivcs.domain.stream import Family, RunQuery

if TYPE_CHECKING:
    from aivcs.ports import BlobStore, Clock, Ledger, StorageBackend

_ABREAST: Final = timedelta(seconds=5)
"""Clocks of machines that share a repository may differ by so much."""


def check_up(ledger: Ledger, blobs: BlobStore, state: StorageBackend, clock: Clock) -> list[Check]:
    """Ask every backend whether it is healthy, then look for remains and at the clock."""
    return [
        look("ledger", lambda: _healthy(ledger)),
        look("objects", lambda: _healthy(blobs)),
        look("cache", lambda: _healthy(state)),
        look("leases", lambda: _leases(ledger)),
        look("unfinished", lambda: _unfinished(blobs)),
        look("clock", lambda: _clock(ledger, clock)),
    ]


def _healthy(backend: StorageBackend) -> str:
    backend.health_check()
    return f"{backend.name()} reads and writes"


def _leases(ledger: Ledger) -> Check:
    count = ledger.abandoned()
    hint = "'aivcs gc' forgets them" if count else None
    return Check("leases", ok=True, detail=f"{count} of dead processes", hint=hint)


def _unfinished(blobs: BlobStore) -> Check:
    found = blobs.unfinished()
    size = sum(count for _, count in found)
    hint = "the next large object or seal removes them" if found else None
    return Check("unfinished", ok=True, detail=f"{len(found)} files of {size} bytes", hint=hint)


def _clock(ledger: Ledger, clock: Clock) -> Check:
    """Compare the clock with the newest time that one has written into the ledger."""
    now = clock()
    told = []
    for run in ledger.runs(RunQuery(limit=1)):
        last = ledger.entries(Family.RUN, run.run_id, newest_first=True, limit=1)
        told += [entry.recorded_at for entry in last]
        if run.source is None:
            told.append(run.created_at)
    newest = max(told, default=now)
    shown = f"it says {moment.text(now)}"
    if newest <= now + _ABREAST:
        return Check("clock", ok=True, detail=shown)
    detail = f"{shown}, but the newest run was recorded at {moment.text(newest)}"
    return Check("clock", ok=False, detail=detail, hint="set the clock of this machine")
