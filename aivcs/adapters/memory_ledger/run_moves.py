"""How runs of a ledger in memory change hands, end, are sealed, and lose what they may lose."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aivcs.adapters.memory_ledger.logs import Logs
from aivcs.domain.ending import ended
from aivcs.domain.erasing import check_erasable, erased, no_event
from aivcs.domain.lease import claimed
from aivcs.domain.run import RunStatus, RunSummary
from aivcs.domain.seal import seal_hash
from aivcs.domain.stream import Family, Sealing
from aivcs.errors import InvalidRunState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aivcs.adapters.memory_ledger.journal import Journal
    from aivcs.adapters.memory_ledger.logs import Log
    from aivcs.domain.log_writes import Claim, EndRun, Erasure, Expiry


class RunMoves(Logs):
    """The logs, and what happens to a run beside its events."""

    def __init__(self, journal: Journal) -> None:
        super().__init__(journal)
        self._seals: list[Sealing] = []

    def claim(self, wanted: Claim) -> int:
        """Move a run's lease; return its epoch."""
        log = self.log(Family.RUN, wanted.run_id)
        self.move(log, claimed(log.head, wanted))
        return log.head.epoch

    def end(self, end: EndRun, *, repeated: bool) -> None:
        """Make a terminal move and seal the run; a repeated one that was made is left at that."""
        log = self.log(Family.RUN, end.run_id)
        if repeated and log.head.status is end.status:
            return
        self.move(log, ended(log.head, end, log.early))
        root = log.head.frontier.root()
        record = replace(
            self._runs[end.run_id],
            summary=RunSummary(log.head.size, end.final_state, end.duration_ms, end.success),
            completed_at=end.completed_at,
            reason=end.reason,
            root=root,
        )
        self._journal.put(self._runs, end.run_id, record)
        self._seals.append(Sealing(len(self._seals) + 1, end.run_id, seal_hash(record, root)))
        self._journal.on_error(self._seals.pop)

    def seals(self, after: int, limit: int) -> list[Sealing]:
        """Return seals in the order of ending."""
        with self._journal.reading():
            return self._seals[max(0, after) :][:limit]

    def seals_of(self, run_ids: Sequence[str]) -> Mapping[str, Sealing]:
        """Return the seals of some runs."""
        wanted = set(run_ids)
        with self._journal.reading():
            return {seal.run_id: seal for seal in self._seals if seal.run_id in wanted}

    def erase(self, wanted: Erasure) -> None:
        """Erase bodies of an ended run, those that wait too."""
        log = self.log(Family.RUN, wanted.run_id)
        check_erasable(log.head)
        entries, early = list(log.entries), dict(log.early)

        def take_back() -> None:
            log.entries, log.early = entries, early

        self._journal.on_error(take_back)
        seqs = [*range(1, len(entries) + 1), *early] if wanted.seqs is None else wanted.seqs
        log.entries, log.early = entries.copy(), early.copy()
        for seq in seqs:
            _erase(log, seq)

    def expire(self, expiry: Expiry) -> None:
        """Let go of what an ended run made, unless that was done."""
        if self.log(Family.RUN, expiry.run_id).head.status is RunStatus.RUNNING:
            msg = f"run {expiry.run_id} is RUNNING and needs what it made"
            raise InvalidRunState(msg, hint="only a run that has ended expires")
        record = self._runs[expiry.run_id]
        if record.expired_at is None:
            changed = replace(record, expired_at=expiry.expired_at)
            self._journal.put(self._runs, expiry.run_id, changed)


def _erase(log: Log, seq: int) -> None:
    if 1 <= seq <= len(log.entries):
        log.entries[seq - 1] = erased(log.entries[seq - 1])
    elif seq in log.early:
        log.early[seq] = erased(log.early[seq])
    else:
        raise no_event(log.head, seq)
