"""Every entry of every release log: what anybody ever had in production."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aivcs.domain.stream import Family
from aivcs.services import bodies
from aivcs.services.release_entry import read_record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.domain.release import ReleaseRecord
    from aivcs.ports import Ledger
    from aivcs.services.objects import CasStore


def every_release(ledger: Ledger, objects: CasStore) -> Iterator[ReleaseRecord]:
    """Yield the entries by agent and in order; CorruptionError for one that is damaged."""
    for stream in ledger.streams(Family.RELEASE):
        entries = ledger.entries(Family.RELEASE, stream.name)
        for entry, body in bodies.payloads(objects, entries):
            yield read_record(stream.name, entry, body)
