"""How events move an execution, end it, and share its log with the RunLedger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from aivcs.domain.execution import MOVES, Action, ExecutionState, WaitReason, advance
from aivcs.domain.executions import lifecycle
from aivcs.domain.executions.data import ExecutionEventData
from aivcs.domain.executions.failure import ErrorCategory, ExecutionError
from aivcs.domain.executions.model import Execution, StepState
from aivcs.domain.executions.parsing import VARIANTS
from aivcs.domain.executions.reducer import fold
from aivcs.domain.run import RunStatus
from aivcs.errors import (
    Fenced,
    InvalidEvent,
    InvalidInputError,
    InvalidRunState,
    InvalidSummary,
    ReducerError,
    RunNotFound,
)
from aivcs.testing.event_store import custom
from aivcs.testing.subject import ENDED, RepoContract, end, note

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aivcs.domain.run import RunId
    from aivcs.repo import Repo

_FAILURE = ExecutionError(ErrorCategory.TIMEOUT, "too \0 late")
EVENTS: dict[Action | None, Any] = {
    None: custom(),
    Action.PLAN: lifecycle.ExecutionPlanning(),
    Action.START: lifecycle.ExecutionStarted(),
    Action.STEP: {"type": "step_started", "step_id": "s", "step_type": "x", "name": "n"},
    Action.PAUSE: lifecycle.ExecutionPaused("lunch"),
    Action.RESUME: lifecycle.ExecutionResumed(),
    Action.WAIT: lifecycle.ExecutionWaiting(WaitReason.APPROVAL),
    Action.INPUT: lifecycle.ExecutionInputReceived(),
    Action.COMPLETE: lifecycle.ExecutionCompleted(7, "done"),
    Action.FAIL: lifecycle.ExecutionFailed(_FAILURE),
    Action.CANCEL: lifecycle.ExecutionCancelled("enough"),
}
"""An event for each action."""
WAYS: dict[ExecutionState, list[Action]] = {
    ExecutionState.PLANNING: [Action.PLAN],
    ExecutionState.RUNNING: [Action.START],
    ExecutionState.PAUSED: [Action.START, Action.PAUSE],
    ExecutionState.WAITING: [Action.START, Action.WAIT],
    ExecutionState.COMPLETED: [Action.START, Action.COMPLETE],
    ExecutionState.FAILED: [Action.FAIL],
    ExecutionState.CANCELLED: [Action.PLAN, Action.CANCEL],
}
"""How an execution comes to each state."""


def lead(repo: Repo, state: ExecutionState) -> int:
    """Bring the execution ``e`` to a state; return how many events that took."""
    for action in WAYS.get(state, []):
        repo.events.append("e", "t", EVENTS[action])
    return len(WAYS.get(state, []))


def check_fold(repo: Repo) -> Execution:
    """Check that the log adds up to what the run's row says; return the execution."""
    run = repo.runs.get_run("e")
    folded = fold(Execution("e"), repo.events.load_events("e"))
    assert (folded.state, folded.wait, folded.sequence) == (run.state, run.wait, run.total_events)
    assert folded.ended_at == run.completed_at
    replayed = repo.replay("e")
    assert (replayed.execution, replayed.passed_over) == (folded, 0)
    return folded


class EventStoreMovesContract(RepoContract):
    """Moves and endings; see RepoContract for the fixtures."""

    def test_there_is_an_event_for_every_action(self) -> None:
        """So the tests below try all moves."""
        assert set(EVENTS) == {None, *MOVES, *(v.ACTION for v in VARIANTS.values())}
        assert set(WAYS) | {ExecutionState.CREATED} == set(ExecutionState)

    @pytest.mark.parametrize("state", list(ExecutionState))
    @pytest.mark.parametrize("action", list(EVENTS))
    def test_every_move(self, repo: Repo, state: ExecutionState, action: Action | None) -> None:
        """It is made where the table has it, with its event; else nothing is written."""
        before = lead(repo, state)
        try:
            after = advance(state, action, implied_start=True)
        except InvalidRunState:
            with pytest.raises(InvalidRunState, match="run e is"):
                repo.events.append("e", "t", EVENTS[action])
            assert repo.events.count_events("e") == before
            assert not before or repo.runs.get_run("e").state is state
        else:
            if state is ExecutionState.CREATED and action not in (Action.PLAN, Action.START):
                after = ExecutionState.RUNNING if after is ExecutionState.CREATED else after
            assert repo.events.append("e", "t", EVENTS[action]) == before + 1
            assert repo.runs.get_run("e").state is after
            check_fold(repo)
        assert repo.verify().problems == ()

    def test_a_batch_may_make_several_moves(self, repo: Repo) -> None:
        """All of them or none."""
        events = [EVENTS[one] for one in (Action.PLAN, Action.START, Action.WAIT, Action.INPUT)]
        assert repo.events.append_batch("e", "t", [*events, custom(), EVENTS[Action.FAIL]]) == 1
        assert check_fold(repo).state is ExecutionState.FAILED
        with pytest.raises(InvalidRunState):
            repo.events.append_batch("f", "t", [*events, EVENTS[Action.INPUT]])
        assert not repo.events.execution_exists("f")
        with pytest.raises(RunNotFound):
            repo.runs.get_run("f")

    def test_what_is_waited_for_is_known(self, repo: Repo) -> None:
        """As long as it is waited for."""
        repo.events.append("e", "t", EVENTS[Action.WAIT])
        assert repo.runs.get_run("e").wait is WaitReason.APPROVAL
        repo.events.append("e", "t", custom())
        assert check_fold(repo).wait is WaitReason.APPROVAL
        repo.events.append("e", "t", EVENTS[Action.INPUT])
        assert repo.runs.get_run("e").wait is None

    @pytest.mark.parametrize(
        ("action", "status", "reason"),
        [
            (Action.COMPLETE, RunStatus.COMPLETED, None),
            (Action.FAIL, RunStatus.FAILED, "too \\x00 late"),
            (Action.CANCEL, RunStatus.CANCELLED, "enough"),
        ],
    )
    def test_an_end_and_its_event_land_together(
        self, repo: Repo, action: Action, status: RunStatus, reason: str | None
    ) -> None:
        """The run has ended and is sealed, its summary says what the event said."""
        repo.events.append_batch("e", "t", [custom(), EVENTS[action]])
        run = repo.runs.get_run("e")
        assert (run.status, run.total_events, run.reason) == (status, 2, reason)
        assert run.summary is not None
        assert run.summary.success is (status is RunStatus.COMPLETED)
        assert status is not RunStatus.COMPLETED or run.summary.duration_ms == 7
        assert run.completed_at == repo.events.load_events("e")[-1].timestamp
        assert run.root is not None
        assert check_fold(repo).state.terminal

    @pytest.mark.parametrize("action", [Action.COMPLETE, Action.FAIL, Action.CANCEL])
    def test_nothing_follows_the_end(self, repo: Repo, action: Action) -> None:
        """Not in a later append, not in the same batch."""
        with pytest.raises(InvalidRunState, match="behind"):
            repo.events.append_batch("e", "t", [EVENTS[action], custom()])
        assert not repo.events.execution_exists("e")
        repo.events.append("e", "t", EVENTS[action])
        for event in EVENTS.values():
            with pytest.raises(InvalidRunState, match="run e is"):
                repo.events.append("e", "t", event)
        assert repo.events.count_events("e") == 1

    def test_an_end_is_repeated_under_its_key(self, repo: Repo) -> None:
        """Whoever did not hear that it ended asks again."""
        done = [custom(), EVENTS[Action.COMPLETE]]
        for _ in range(2):
            assert repo.events.append_batch("e", "t", done, idempotency_key="k") == 1
        assert repo.runs.get_run("e").total_events == 2

    def test_an_error_may_be_given_as_an_object(self, repo: Repo) -> None:
        """Also where the event is a value."""
        given: Any = _FAILURE.to_dict()
        assert lifecycle.ExecutionFailed(given) == EVENTS[Action.FAIL]
        repo.events.append("e", "t", lifecycle.ExecutionFailed(given))
        assert check_fold(repo).error == _FAILURE
        with pytest.raises(InvalidEvent, match="category"):
            lifecycle.ExecutionFailed({"message": "m"})  # type: ignore[arg-type]

    def test_a_duration_that_is_none(self, repo: Repo) -> None:
        """It must fit the run's summary."""
        with pytest.raises(InvalidSummary, match="duration_ms"):
            repo.events.append("e", "t", lifecycle.ExecutionCompleted(2**60))
        assert not repo.events.execution_exists("e")

    def test_an_execution_is_a_run(self, repo: Repo, run_id: RunId) -> None:
        """It is listed among the runs, has no spec and no agent, and belongs to a tenant."""
        repo.events.append("e", "t", custom(1))
        run, other = repo.runs.list_runs()
        assert (run.run_id, other.run_id) == ("e", run_id)
        assert (run.spec_digest, run.metadata.agent_name, run.tenant) == (None, "", "t")
        assert repo.runs.append_event("e", note(payload=[1])) == 2
        assert [event.kind for event in repo.runs.get_events("e")] == ["custom", "note"]
        first, second = repo.events.load_events("e")
        assert first.event.to_dict() == custom(1)
        assert second.event.to_dict() == {"type": "custom", "event_type": "note", "data": [1]}
        assert end(repo, "e", RunStatus.COMPLETED).state is ExecutionState.COMPLETED
        with pytest.raises(InvalidRunState):
            repo.events.append("e", "t", custom())

    def test_a_run_is_an_execution(self, repo: Repo, run_id: RunId) -> None:
        """It is Running from the start, and takes events of every tenant."""
        store = repo.events
        assert not store.execution_exists(run_id)
        assert repo.runs.append_event(run_id, note(payload=None)) == 1
        with pytest.raises(InvalidRunState):
            store.append(run_id, "t", EVENTS[Action.START])
        assert store.append(run_id, "t", EVENTS[Action.PAUSE]) == 2
        assert store.append(run_id, "u", EVENTS[Action.RESUME]) == 3
        assert {one.tenant_id for one in store.load_events(run_id)} == {""}
        assert store.list_executions("t") == []
        assert store.append(run_id, "u", EVENTS[Action.COMPLETE]) == 4
        replayed = repo.replay(run_id)
        assert (replayed.execution.state, replayed.execution.output) == ("Completed", "done")
        assert replayed.execution.started_at == repo.runs.get_run(run_id).created_at

    def test_the_run_ledger_completes_what_is_running_only(self, repo: Repo) -> None:
        """Its moves follow the same table."""
        repo.events.append("e", "t", EVENTS[Action.WAIT])
        with pytest.raises(InvalidRunState, match="Waiting"):
            end(repo, "e", RunStatus.COMPLETED)
        assert end(repo, "e", RunStatus.CANCELLED).state is ExecutionState.CANCELLED
        replayed = repo.replay("e").execution
        assert (replayed.state, replayed.wait) == (ExecutionState.CANCELLED, None)
        assert replayed.ended_at == repo.runs.get_run("e").completed_at

    @pytest.mark.parametrize("status", ENDED)
    def test_lifecycle_kinds_through_the_run_ledger_are_plain(
        self, repo: Repo, run_id: RunId, status: RunStatus
    ) -> None:
        """They move nothing; a replay passes over what cannot have been a move."""
        kinds = ["execution_failed", "execution_started", "execution_completed", "step_failed"]
        error: Any = {"category": "Timeout", "message": "m"}
        for kind in kinds:
            payload = {"error": error, "duration_ms": 1, "step_id": "s"}
            wanted = {
                "execution_started": {},
                "execution_completed": {"duration_ms": 1},
                "execution_failed": {"error": error},
            }.get(kind, payload)
            repo.runs.append_event(run_id, note(payload=wanted, kind=kind))
            assert repo.runs.get_run(run_id).state is ExecutionState.RUNNING
        assert repo.replay(run_id).execution.state is ExecutionState.RUNNING
        end(repo, run_id, status)
        replayed = repo.replay(run_id)
        assert replayed.execution.state == repo.runs.get_run(run_id).state
        assert replayed.execution.sequence == len(kinds)
        assert replayed.passed_over >= 3
        with pytest.raises(ReducerError):
            fold(Execution(run_id), repo.events.load_events(run_id))

    def test_pending_steps_are_skipped_at_the_end(self, repo: Repo) -> None:
        """Whichever view ends the execution."""
        found = {
            "type": "step_discovered",
            "step_id": "s",
            "source_type": "x",
            "reason": "r",
            "depth": 1,
        }
        repo.events.append("e", "t", found)
        end(repo, "e", RunStatus.FAILED)
        assert repo.replay("e").execution.steps["s"].state is StepState.SKIPPED

    def test_an_early_event_is_not_in_the_log_yet(self, repo: Repo) -> None:
        """The EventStore shows the dense log only."""
        repo.events.append("e", "t", custom(1))
        repo.runs.append_event("e", note(3))
        assert repo.events.count_events("e") == 1
        assert repo.replay("e").summary.event_count == 2
        assert repo.events.append("e", "t", custom(2)) == 2
        assert [one.sequence for one in repo.events.load_events("e")] == [1, 2, 3]

    def test_a_lease_fences_appends(self, repo: Repo) -> None:
        """A write names the epoch of its run's lease, or none where nobody holds it."""
        repo.events.append("e", "t", custom())
        with pytest.raises(Fenced):
            repo.events.append("e", "t", custom(), epoch=1)
        with pytest.raises(Fenced):
            repo.events.append("e", "t", EVENTS[Action.FAIL], epoch=1)
        assert repo.events.append("e", "t", EVENTS[Action.FAIL], epoch=0) == 2

    def test_following(self, repo: Repo) -> None:
        """Events come as they land; the iterator ends with the execution."""
        later = iter([[custom(2)], [], [custom(3), custom(4)], [EVENTS[Action.CANCEL]]])

        def pause() -> None:
            if events := next(later):
                repo.events.append_batch("e", "t", events)

        with pytest.raises(RunNotFound, match="run e"):
            repo.events.follow("e")
        repo.events.append_batch("e", "t", [custom(0), custom(1)])
        found = list(repo.events.follow("e", 1, pause=pause))
        assert [one.sequence for one in found] == [2, 3, 4, 5, 6]
        assert all(isinstance(one.event, ExecutionEventData) for one in found)
        assert found == repo.events.load_events_after("e", 1)
        assert list(repo.events.follow("e", 99)) == []
        with pytest.raises(InvalidInputError):
            repo.events.follow("e", -1)

    def test_watching(self, repo: Repo, run_id: RunId) -> None:
        """The same in the words of the RunLedger."""
        steps: Iterator[Callable[[], object]] = iter(
            [
                lambda: repo.runs.append_event(run_id, note(2)),
                lambda: repo.runs.append_event(run_id, note(1)),
                lambda: end(repo, run_id, RunStatus.COMPLETED),
            ]
        )

        def pause() -> None:
            next(steps)()

        found = list(repo.watch(run_id, pause=pause))
        assert found == repo.runs.get_events(run_id)
        assert len(found) == 2
