"""Retention: ended runs of which only the log is kept from now on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.domain.batch import Batch
from aivcs.domain.log_writes import Expiry
from aivcs.domain.stream import RunQuery
from aivcs.services.released import every_release

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.domain.digest import Digest
    from aivcs.domain.retention import Retention
    from aivcs.domain.run import RunRecord
    from aivcs.ports import Clock, Ledger
    from aivcs.services.objects import CasStore

_PAGE: Final = 500


def expiring(
    ledger: Ledger, objects: CasStore, clock: Clock, retention: Retention
) -> tuple[str, ...]:
    """Return the runs that the rules let go at this moment, the newest first.

    Raises CorruptionError when a release cannot be read: nobody can tell which spec it
    names.
    """
    if not retention:
        return ()
    released = _released(ledger, objects) if retention.keep_released else set()
    found = retention.expiring(_runs(ledger), released, clock())
    return tuple(str(run.run_id) for run in found)


def expire(
    ledger: Ledger, objects: CasStore, clock: Clock, retention: Retention
) -> tuple[str, ...]:
    """Let those runs go and return them; each may be shown, but keeps no object but its log."""
    wanted = expiring(ledger, objects, clock, retention)
    done: list[str] = []
    for start in range(0, len(wanted), _PAGE):
        some = wanted[start : start + _PAGE]
        with ledger.exclusive():
            # A release that was made meanwhile counts too.
            released = _released(ledger, objects) if retention.keep_released else set()
            runs = [run for run_id in some if (run := ledger.run(run_id)) is not None]
            gone = [str(run.run_id) for run in runs if run.spec_digest not in released]
            now = clock()
            ledger.commit(Batch(expired=tuple(Expiry(run_id, now) for run_id in gone)))
        done += gone
    return tuple(done)


def _runs(ledger: Ledger) -> Iterator[RunRecord]:
    after: str | None = None
    while page := ledger.runs(RunQuery(after=after, limit=_PAGE)):
        yield from page
        after = page[-1].run_id


def _released(ledger: Ledger, objects: CasStore) -> set[Digest]:
    return {record.spec_digest for record in every_release(ledger, objects)}
