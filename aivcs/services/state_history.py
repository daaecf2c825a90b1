"""How a snapshot stands to the log: the tree over what it has seen, and what came since.

The right edge of that tree is kept beside the snapshot. Grown by the events that came since it
must be the right edge that the log has: that shows, without reading what was seen before, that
both have the same history.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Final

from aivcs.domain.commitment import leaf_of
from aivcs.domain.execution import ExecutionState
from aivcs.domain.execution_snapshot import STEP_KINDS, ExecutionSnapshot, Freshness
from aivcs.domain.merkle import Frontier
from aivcs.domain.stream import Family
from aivcs.services.bodies import payloads

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aivcs.domain.execution_snapshot import CachedSnapshot
    from aivcs.domain.stream import Entry, Stream
    from aivcs.ports import Ledger
    from aivcs.services.objects import CasStore

_PAGE: Final = 1000


class Histories:
    """The logs of executions, as snapshots are held to them."""

    def __init__(self, ledger: Ledger, objects: CasStore) -> None:
        self._ledger = ledger
        self._objects = objects

    def at(self, execution_id: str, seq: int, before: CachedSnapshot | None) -> bytes | None:
        """Return the peaks of the tree over the first ``seq`` events, joined.

        None where the log has fewer. ``before`` is where it may begin.
        """
        head = self._head(execution_id)
        if head is None or head.size < seq:
            return None
        if head.frontier.size == seq:
            return head.frontier.packed()
        known = _frontier(before)
        if known is None or known.size > seq:
            known = Frontier()
        return known.grown(map(leaf_of, self._since(execution_id, known.size, seq))).packed()

    def freshness(self, cached: CachedSnapshot, snapshot: ExecutionSnapshot | None) -> Freshness:
        """Tell how ``snapshot``, kept as ``cached``, stands to the log.

        Reads the events it has not seen.
        """
        head = self._head(cached.execution_id)
        known = _frontier(cached)
        if head is None or known is None or snapshot is None or not _may_precede(cached, head):
            return Freshness.INVALID
        since = self._since(head.name, known.size, head.size)
        if known.grown(map(leaf_of, since)) != head.frontier:
            return Freshness.INVALID
        # A run may end without a further event.
        ended = head.status is not None and head.status.terminal and snapshot.state != head.state
        return Freshness.BEHIND if ended or known.size < head.size else Freshness.FRESH

    def folded(
        self, execution_id: str, cached: CachedSnapshot | None, snapshot: ExecutionSnapshot | None
    ) -> tuple[ExecutionSnapshot, bytes] | None:
        """Return a snapshot of the whole log, with the peaks of its tree; None without a log.

        It begins with ``snapshot``, which is what ``cached`` keeps, or with nothing where
        that is of no use.
        """
        head = self._head(execution_id)
        if head is None:
            return None
        known = _frontier(cached)
        if cached and snapshot and known is not None and _may_precede(cached, head):
            folded, grown = self._fold(head, snapshot, known)
            if grown == head.frontier:
                return _at_head(folded, head), grown.packed()
        empty = ExecutionSnapshot(execution_id, head.tenant or "", ExecutionState.CREATED, 0)
        folded, grown = self._fold(head, empty, Frontier())
        return _at_head(folded, head), grown.packed()

    def _fold(
        self, head: Stream, snapshot: ExecutionSnapshot, known: Frontier
    ) -> tuple[ExecutionSnapshot, Frontier]:
        since = self._since(head.name, known.size, head.size)
        grown = known

        def steps() -> Iterator[Entry]:
            nonlocal grown
            while page := list(islice(since, _PAGE)):
                grown = grown.grown(map(leaf_of, page))
                yield from (entry for entry in page if entry.kind in STEP_KINDS)

        events = ((entry.kind, payload) for entry, payload in payloads(self._objects, steps()))
        folded = snapshot.after(events)
        return folded, grown

    def _head(self, execution_id: str) -> Stream | None:
        return self._ledger.stream(Family.RUN, execution_id)

    def _since(self, execution_id: str, after: int, upto: int) -> Iterator[Entry]:
        found: Iterable[Entry] = self._ledger.entries(
            Family.RUN, execution_id, after=after, limit=upto - after
        )
        return iter(found)


def _frontier(cached: CachedSnapshot | None) -> Frontier | None:
    if cached is None or cached.history is None:
        return None
    try:
        return Frontier.unpacked(cached.sequence_number, cached.history)
    except ValueError:
        # Another version wrote it.
        return None


def _may_precede(cached: CachedSnapshot, head: Stream) -> bool:
    known = head.tenant is None or cached.tenant_id == head.tenant
    return known and cached.sequence_number <= head.size


def _at_head(snapshot: ExecutionSnapshot, head: Stream) -> ExecutionSnapshot:
    # Ends of runs and moves by leases are no events, so the state is the head's.
    state = head.state or ExecutionState.RUNNING
    return replace(snapshot, state=state, wait=head.wait, sequence_number=head.size)
