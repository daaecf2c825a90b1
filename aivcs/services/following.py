"""A log as it grows, until its run has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aivcs.domain.stream import Family
from aivcs.errors import RunNotFound
from aivcs.services.bodies import payloads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.domain.canonical import Json
    from aivcs.domain.stream import Entry, Stream
    from aivcs.ports import Ledger, Pause
    from aivcs.services.objects import CasStore


def head(ledger: Ledger, run_id: str) -> Stream:
    """Return the head of a run; RunNotFound when there is none."""
    found = ledger.stream(Family.RUN, run_id)
    if found is None:
        msg = f"no run {run_id}"
        raise RunNotFound(msg, hint="'aivcs run list' lists the runs")
    return found


def follow(
    ledger: Ledger, objects: CasStore, run_id: str, *, after: int, pause: Pause
) -> Iterator[tuple[Entry, Json]]:
    """Yield entries with seq > ``after`` and their payloads as they land, until the run ends.

    ``pause`` is called where nothing is new. Raises as ``payloads``.
    """
    seen = after
    while True:
        now = head(ledger, run_id)
        if new := max(0, now.size - seen):
            entries = ledger.entries(Family.RUN, run_id, after=seen, limit=new)
            for entry, payload in payloads(objects, entries):
                seen = entry.seq
                yield entry, payload
        if now.state is not None and now.state.terminal:
            return
        if not new:
            pause()
