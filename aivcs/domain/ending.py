"""The one rule by which a run ends. Check order: status, state, lease, gaps."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from aivcs.domain.append import check_complete
from aivcs.domain.execution import Action, advance
from aivcs.domain.lease import check_epoch
from aivcs.domain.run import RunStatus, check_move

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aivcs.domain.log_writes import EndRun
    from aivcs.domain.stream import Entry, Stream

ENDS: Final[Mapping[RunStatus, Action]] = MappingProxyType(
    {
        RunStatus.COMPLETED: Action.COMPLETE,
        RunStatus.FAILED: Action.FAIL,
        RunStatus.CANCELLED: Action.CANCEL,
    }
)
"""The action by which a run comes to each terminal status."""


def ended(stream: Stream, end: EndRun, waiting: Mapping[int, Entry]) -> Stream:
    """Return the head of a run after a terminal move; ``waiting`` are its early entries.

    Nobody holds it any more. Raises InvalidRunState (also for a gap in a run to complete),
    Fenced.
    """
    check_move(stream.name, stream.status or RunStatus.RUNNING, end.status)
    state = stream.state and advance(stream.state, ENDS[end.status], run_id=stream.name)
    check_epoch(stream, end.epoch)
    if end.status is RunStatus.COMPLETED:
        check_complete(stream, waiting)
    return replace(stream, state=state, wait=None, holder=None, deadline=None)
