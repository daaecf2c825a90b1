"""Which ended runs are kept whole, and of which only the log."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from collections.abc import Set as AbstractSet
    from datetime import datetime

    from aivcs.domain.digest import Digest
    from aivcs.domain.run import RunRecord


class Retention(NamedTuple):
    """The rules; None leaves one out, and without the first two nothing expires.

    ``keep_runs``: so many newest runs of each agent are kept, running ones counted.
    ``min_age_days``: a run is kept until it ended so many days ago. ``keep_released``: a
    run of a spec that some release names is kept, as the evidence for it.
    """

    keep_runs: int | None = None
    min_age_days: int | None = None
    keep_released: bool = True

    def __bool__(self) -> bool:
        """Whether any run can expire."""
        return self.keep_runs is not None or self.min_age_days is not None

    def expiring(
        self, runs: Iterable[RunRecord], released: AbstractSet[Digest], now: datetime
    ) -> Iterator[RunRecord]:
        """Yield the runs that expire at ``now``, of all ``runs``, the newest first.

        A run expires when it has ended, every rule allows it, and it has not expired yet.
        ``released`` are the specs that releases name.
        """
        if not self:
            return
        seen: Counter[str] = Counter()
        for run in runs:
            seen[run.metadata.agent_name] += 1
            newest = seen[run.metadata.agent_name] <= (self.keep_runs or 0)
            if run.expired_at is None and not newest and self._is_old(run, now):
                if self.keep_released and run.spec_digest in released:
                    continue
                yield run

    def _is_old(self, run: RunRecord, now: datetime) -> bool:
        from datetime import timedelta

        if run.completed_at is None or self.min_age_days is None:
            return run.completed_at is not None
        return now - run.completed_at >= timedelta(days=self.min_age_days)
