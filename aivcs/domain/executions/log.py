"""The fold of a run's log, whichever view wrote it.

A log tells not by which view an entry came. An ``execution_*`` event that came through the
RunLedger is a plain entry and moved nothing, so here it may be one that cannot follow: such
an event is passed over. The run's own record says where the run stands, and has the last word.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from aivcs.domain.execution import MOVES, ExecutionState
from aivcs.domain.executions.model import Execution
from aivcs.domain.executions.parsing import event_from_stored
from aivcs.domain.executions.reducer import Folding
from aivcs.errors import InvalidRunState

if TYPE_CHECKING:
    from aivcs.domain.events import RunEvent
    from aivcs.domain.execution import Action
    from aivcs.domain.run import RunRecord

_ENDS: Final = frozenset(action for action, (_, to) in MOVES.items() if to and to.terminal)


class LogFold:
    """Folds the events of one run, in order and in constant memory but for its steps.

    A run that the RunLedger created is Running before its first event. An event that ends
    the execution counts only as the last one of a run that ended so: the end and its event
    are written together. ``passed_over`` counts the events that could not follow.
    """

    def __init__(self, record: RunRecord) -> None:
        """Begin before the first event of a run; ``record`` is as of its last one."""
        self._record = record
        self._folding = Folding(_begun(record))
        self.passed_over = 0

    def add(self, event: RunEvent) -> None:
        """Take in the next event of the log."""
        data = event_from_stored(event.kind, event.payload)
        if not self._is_no_end(event, data.ACTION):
            with suppress(InvalidRunState):
                self._folding.apply(data, event.timestamp)
                return
        self._folding.pass_over()
        self.passed_over += 1

    def result(self) -> Execution:
        """Return the execution; its state is that of the run's record."""
        record, found = self._record, self._folding.result()
        if (found.state, found.wait) != (record.state, record.wait):
            known: dict[str, Any] = {}
            if record.state.terminal:
                known = {"ended_at": record.completed_at, "reason": record.reason}
            self._folding.settle(record.state, record.wait, **known)
        return self._folding.result()

    def _is_no_end(self, event: RunEvent, action: Action | None) -> bool:
        if action not in _ENDS:
            return False
        last = event.seq == self._record.total_events
        return not (last and MOVES[action][1] is self._record.state)


def _begun(record: RunRecord) -> Execution:
    if record.tenant is not None:
        return Execution(str(record.run_id), record.tenant)
    return Execution(str(record.run_id), state=ExecutionState.RUNNING, started_at=record.created_at)
