"""Whether verdicts rest on runs that are here, and are what was sealed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aivcs.domain.seal import seal_hash

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aivcs.domain.release import ReleaseRecord
    from aivcs.ports import Ledger


class VerdictChecks:
    """Holds what verdicts say of runs to the runs; each run is read once."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._seals: dict[str, str | None] = {}

    def problems(self, records: Iterable[ReleaseRecord]) -> Iterator[str]:
        """Say which entries rest on a run that is gone or has another seal."""
        for record in records:
            for run_id, seal in () if record.verdict is None else record.verdict.evidence:
                found = self._seal(run_id)
                if found is None:
                    yield f"seq {record.seq} rests on run {run_id}, which is not sealed here"
                elif found != seal:
                    yield f"seq {record.seq} rests on run {run_id}, which has another seal now"

    def _seal(self, run_id: str) -> str | None:
        if run_id not in self._seals:
            run = self._ledger.run(run_id)
            if run is None or run.root is None:
                self._seals[run_id] = None
            else:
                self._seals[run_id] = seal_hash(run, run.root).hex()
        return self._seals[run_id]
