"""Ending a run that another call began."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aivcs.domain.run import RunStatus, RunSummary, check_move

if TYPE_CHECKING:
    from aivcs.domain.run import RunId, RunRecord
    from aivcs.ports import Clock
    from aivcs.services.intake import Content
    from aivcs.services.objects import CasStore
    from aivcs.services.runs import RunLedger


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ends: its terminal status, the content of its final state, and why."""

    status: RunStatus
    state: Content | None = None
    reason: str | None = None


def close_run(
    runs: RunLedger, objects: CasStore, clock: Clock, run_id: RunId, ending: Ending
) -> RunRecord:
    """End a run and return it; it lasted from its beginning until now.

    The state is stored first. Raises RunNotFound, InvalidRunState, InvalidInputError for a
    state that cannot be read.
    """
    record = runs.get_run(run_id)
    check_move(run_id, record.status, ending.status)
    lasted = clock() - record.created_at
    summary = RunSummary(
        total_events=record.total_events,
        final_state_digest=(None if ending.state is None else objects.put(ending.state)),
        duration_ms=max(0, round(lasted.total_seconds() * 1000)),
        success=ending.status is RunStatus.COMPLETED,
    )
    runs.end_run(run_id, ending.status, summary, reason=ending.reason)
    return runs.get_run(run_id)
