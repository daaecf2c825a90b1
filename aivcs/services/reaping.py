"""Runs whose owner is gone: which they are, and failing them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from aivcs.domain.batch import Batch
from aivcs.domain.log_writes import Claim, EndRun
from aivcs.domain.moment import text
from aivcs.domain.run import RunStatus
from aivcs.domain.stream import Family, RunQuery
from aivcs.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aivcs.domain.run import RunRecord
    from aivcs.domain.stream import Entry
    from aivcs.ports import Clock, Ledger

_PAGE: Final = 500
_REAPER: Final = "run reap"


@dataclass(frozen=True, slots=True)
class Abandoned:
    """A RUNNING run that nobody seems to write any more, and why it is taken for that."""

    run: RunRecord
    why: str


class Reaper:
    """Finds abandoned runs, and fails them.

    A run is abandoned when its lease is past its deadline. One that nobody holds is, only
    where ``idle`` is given, when nothing was written to it for so long.
    """

    def __init__(self, ledger: Ledger, clock: Clock, idle: timedelta | None = None) -> None:
        if idle is not None and idle < timedelta():
            msg = f"no run is idle for {idle.total_seconds():g} seconds"
            raise InvalidInputError(msg, hint="a time from 0 on")
        self._ledger = ledger
        self._clock = clock
        self._idle = idle

    def abandoned(self) -> list[Abandoned]:
        """Return the abandoned runs, the newest first."""
        now = self._clock()
        return [Abandoned(run, why) for run in self._running() if (why := self._why(run, now))]

    def reap(self, reason: str | None = None) -> list[RunRecord]:
        """Fail every abandoned run and return them as they are then, the newest first.

        One that was renewed, written to, or ended meanwhile is left alone. The reason of the
        end is ``reason``, else what made the run an abandoned one.
        """
        done: list[RunRecord] = []
        for found in self.abandoned():
            run_id = found.run.run_id
            # What is true now must be so still when the run ends.
            with self._ledger.exclusive():
                run, now = self._ledger.run(run_id), self._clock()
                why = None if run is None or run.status.terminal else self._why(run, now)
                if run is not None and why is not None:
                    self._ledger.commit(_failing(run, now, reason or why, self._epoch(run_id)))
            if why is not None and (ended := self._ledger.run(run_id)) is not None:
                done.append(ended)
        return done

    def _epoch(self, run_id: str) -> int:
        head = self._ledger.stream(Family.RUN, run_id)
        return 0 if head is None else head.epoch

    def _running(self) -> Iterator[RunRecord]:
        after: str | None = None
        query = RunQuery(status=RunStatus.RUNNING, limit=_PAGE)
        while page := self._ledger.runs(query):
            yield from page
            after = page[-1].run_id
            query = RunQuery(status=RunStatus.RUNNING, limit=_PAGE, after=after)

    def _why(self, run: RunRecord, now: datetime) -> str | None:
        """Say why a run is abandoned; None where it is not."""
        if run.lease is not None:
            if run.lease.deadline > now:
                return None
            return f"abandoned: {run.lease.holder} held it until {text(run.lease.deadline)}"
        if self._idle is None:
            return None
        last = max((entry.recorded_at for entry in self._last(run.run_id)), default=run.created_at)
        if now - last < self._idle:
            return None
        return f"abandoned: nothing was written since {text(last)}"

    def _last(self, run_id: str) -> Iterator[Entry]:
        yield from self._ledger.entries(Family.RUN, run_id, limit=1, newest_first=True)
        yield from self._ledger.waiting(run_id).values()


def _failing(run: RunRecord, now: datetime, reason: str, epoch: int) -> Batch:
    """Return the batch that takes over what somebody held, and fails the run."""
    run_id = str(run.run_id)
    held = run.lease is not None
    later = now + timedelta(seconds=1)
    lasted = round((now - run.created_at).total_seconds() * 1000)
    end = EndRun(
        run_id=run_id,
        status=RunStatus.FAILED,
        success=False,
        duration_ms=max(0, lasted),
        final_state=None,
        completed_at=now,
        reason=reason,
        epoch=epoch + 1 if held else None,
    )
    return Batch(claims=(Claim(run_id, _REAPER, later, now),) if held else (), ends=(end,))
