"""The events of a run as the RunLedger reads them: the log, then what waits for a gap to close."""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING

from aivcs.domain.events import RunEvent
from aivcs.domain.stream import Family
from aivcs.services.bodies import payloads

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from aivcs.domain.canonical import Json
    from aivcs.domain.stream import Entry
    from aivcs.ports import Ledger
    from aivcs.services.objects import CasStore


def event_of(entry: Entry, payload: Json) -> RunEvent:
    """Return an entry as an event."""
    erased = entry.commitment is not None
    return RunEvent(entry.seq, entry.kind, payload, entry.timestamp, erased=erased)


def read_events(
    ledger: Ledger,
    objects: CasStore,
    run_id: str,
    *,
    after: int,
    limit: int | None,
    kinds: Collection[str] = (),
) -> Iterator[RunEvent]:
    """Yield up to ``limit`` events with seq > ``after``, of ``kinds`` if any are given.

    Takes constant memory but for early events; bodies of other kinds are not read.
    """
    found = chain(
        ledger.entries(Family.RUN, run_id, after=after, limit=None if kinds else limit),
        _early(ledger, run_id, after),
    )
    wanted = (entry for entry in found if not kinds or entry.kind in kinds)
    for entry, payload in payloads(objects, islice(wanted, limit)):
        yield event_of(entry, payload)


def _early(ledger: Ledger, run_id: str, after: int) -> Iterator[Entry]:
    yield from (entry for seq, entry in ledger.waiting(run_id).items() if seq > after)
