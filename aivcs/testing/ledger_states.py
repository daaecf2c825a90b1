"""States and tenants of runs: what every Ledger must do. Give a fixture ``ledger``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from aivcs.domain.batch import Batch
from aivcs.domain.ending import ENDS
from aivcs.domain.execution import MOVES, Action, ExecutionState, WaitReason, status_of
from aivcs.domain.log_writes import NewRun
from aivcs.domain.run import RunMetadata, RunStatus
from aivcs.domain.stream import Family, RunQuery
from aivcs.errors import (
    InvalidEvent,
    InvalidInputError,
    InvalidRunState,
)
from aivcs.testing.ledger import (
    append,
    draft,
    everything,
    finish,
    new_run,
    new_spec,
)
from aivcs.testing.subject import NOON

if TYPE_CHECKING:
    from aivcs.domain.log_writes import Append, Draft
    from aivcs.ports import Ledger

_WAYS: dict[ExecutionState, tuple[Action, ...]] = {
    ExecutionState.CREATED: (),
    ExecutionState.PLANNING: (Action.PLAN,),
    ExecutionState.RUNNING: (Action.START,),
    ExecutionState.PAUSED: (Action.START, Action.PAUSE),
    ExecutionState.WAITING: (Action.START, Action.WAIT),
}
_TERMINAL = frozenset(ENDS.values())
_MOVING = [action for action in Action if action not in _TERMINAL]


def execution(run_id: str = "run", tenant: str | None = "acme") -> NewRun:
    """Return an execution that names no spec and is Created."""
    metadata = RunMetadata("")
    return NewRun(run_id, None, metadata, NOON, tenant=tenant, state=ExecutionState.CREATED)


def move(*actions: Action | None) -> Append:
    """Return an append of one event for each action."""
    reasons = [WaitReason.APPROVAL if action is Action.WAIT else None for action in actions]
    drafts = [
        draft()._replace(action=action, wait=wait)
        for action, wait in zip(actions, reasons, strict=True)
    ]
    return append(*drafts)


def stands(ledger: Ledger, name: str = "run") -> tuple[ExecutionState, WaitReason | None]:
    """Return a run's state, which head and record agree on, with what it waits for."""
    run, stream = ledger.run(name), ledger.stream(Family.RUN, name)
    assert run is not None
    assert stream is not None
    assert (run.state, run.wait, run.status) == (stream.state, stream.wait, stream.status)
    assert run.status is status_of(run.state)
    return run.state, run.wait


class LedgerStatesContract:
    """``ledger`` is an empty Ledger."""

    @pytest.fixture
    def created(self, ledger: Ledger) -> Ledger:
        """Return the ledger with the execution ``run``, Created."""
        ledger.commit(Batch(runs=(execution(),)))
        return ledger

    @pytest.mark.parametrize("state", _WAYS)
    @pytest.mark.parametrize("action", [None, *_MOVING])
    def test_each_action_in_each_state(
        self, created: Ledger, state: ExecutionState, action: Action | None
    ) -> None:
        """As the table of moves says; whatever comes first implies the start."""
        created.commit(Batch(appends=(move(*_WAYS[state]),)))
        assert stands(created)[0] is state
        before = everything(created)
        begun = state
        if state is ExecutionState.CREATED and action not in {Action.PLAN, Action.START}:
            begun = ExecutionState.RUNNING
        legal, target = (frozenset(_WAYS), None) if action is None else MOVES[action]
        if begun in legal:
            created.commit(Batch(appends=(move(action),)))
            assert stands(created)[0] is (target or begun)
        else:
            with pytest.raises(InvalidRunState, match=f"run run is {begun.value}"):
                created.commit(Batch(appends=(move(action),)))
            assert everything(created) == before

    @pytest.mark.parametrize("state", _WAYS)
    @pytest.mark.parametrize("status", ENDS)
    def test_each_end_from_each_state(
        self, created: Ledger, state: ExecutionState, status: RunStatus
    ) -> None:
        """A run fails and is cancelled from anywhere, and completes where it runs."""
        created.commit(Batch(appends=(move(*_WAYS[state]),)))
        before = everything(created)
        legal, target = MOVES[ENDS[status]]
        end = Batch(ends=(finish(status),))
        if state not in legal:
            with pytest.raises(InvalidRunState, match=f"run is {state.value}"):
                created.commit(end)
            assert everything(created) == before
            return
        created.commit(end)
        assert stands(created) == (target, None)
        for action in [None, *_MOVING]:
            with pytest.raises(InvalidRunState, match=f"run run is {status.value}"):
                created.commit(Batch(appends=(move(action),)))

    def test_several_moves_in_one_append(self, created: Ledger) -> None:
        """All of them are made, or none when one of them is illegal."""
        start, wait, given, pause = Action.START, Action.WAIT, Action.INPUT, Action.PAUSE
        created.commit(Batch(appends=(move(Action.PLAN, None, start, wait, given, wait),)))
        assert stands(created) == (ExecutionState.WAITING, WaitReason.APPROVAL)
        before = everything(created)
        with pytest.raises(InvalidRunState, match="is Paused: step"):
            created.commit(Batch(appends=(move(Action.RESUME, pause, Action.STEP),)))
        assert everything(created) == before
        created.commit(Batch(appends=(move(pause, Action.RESUME),), ends=(finish(),)))
        assert stands(created) == (ExecutionState.COMPLETED, None)

    def test_an_end_beside_the_first_event(self, created: Ledger) -> None:
        """The event implies the start, so the execution completes."""
        created.commit(Batch(appends=(move(None),), ends=(finish(),)))
        assert stands(created) == (ExecutionState.COMPLETED, None)

    def test_what_is_waited_for(self, created: Ledger) -> None:
        """It is kept with the state, and changes only with it."""
        for reason in WaitReason:
            wait = draft()._replace(action=Action.WAIT, wait=reason)
            created.commit(Batch(appends=(append(wait),)))
            assert stands(created) == (ExecutionState.WAITING, reason)
            created.commit(Batch(appends=(move(None, Action.INPUT),)))
            assert stands(created) == (ExecutionState.RUNNING, None)

    @pytest.mark.parametrize(
        "wrong",
        [
            draft()._replace(action=Action.WAIT),
            draft()._replace(action=Action.START, wait=WaitReason.EXTERNAL),
            draft()._replace(wait=WaitReason.EXTERNAL),
            draft(1)._replace(action=Action.START),
            *(draft()._replace(action=action) for action in sorted(_TERMINAL)),
        ],
    )
    def test_what_is_no_move(self, created: Ledger, wrong: Draft) -> None:
        """A wait without a reason, a move under a seq of its own, an end without its EndRun."""
        before = everything(created)
        with pytest.raises(InvalidEvent):
            created.commit(Batch(appends=(append(wrong),)))
        assert everything(created) == before

    def test_a_release_log_has_no_state(self, created: Ledger) -> None:
        """Nothing moves it."""
        moving = replace(move(Action.START), family=Family.RELEASE, name="agent")
        with pytest.raises(InvalidEvent):
            created.commit(Batch(appends=(moving,)))
        assert created.stream(Family.RELEASE, "agent") is None

    def test_how_a_run_begins(self, ledger: Ledger) -> None:
        """Created or Running; without a spec only for a tenant."""
        wrong = [
            execution(tenant=None),
            execution(tenant=" "),
            *(
                replace(execution(), state=state)
                for state in ExecutionState
                if state not in {ExecutionState.CREATED, ExecutionState.RUNNING}
            ),
        ]
        before = everything(ledger)
        for run in wrong:
            with pytest.raises(InvalidInputError):
                ledger.commit(Batch(runs=(run,)))
        assert everything(ledger) == before
        ledger.commit(Batch(runs=(execution(),)))
        found = ledger.run("run")
        assert found is not None
        assert (found.spec_digest, found.tenant, found.status) == (None, "acme", RunStatus.RUNNING)
        assert stands(ledger) == (ExecutionState.CREATED, None)

    def test_a_run_belongs_to_its_tenant(self, created: Ledger) -> None:
        """An append that names a tenant names the right one; a run may have none."""
        created.commit(Batch(specs=(new_spec(),), runs=(new_run("free"),)))
        created.commit(Batch(appends=(replace(move(None), tenant="acme"), move(None))))
        before = everything(created)
        for wrong in (
            replace(move(None), tenant="other"),
            replace(move(None), name="free", tenant="acme"),
            replace(move(None), family=Family.RELEASE, name="agent", tenant="acme"),
        ):
            with pytest.raises(InvalidInputError, match="belongs to another tenant"):
                created.commit(Batch(appends=(wrong,)))
        assert everything(created) == before

    def test_listing_runs_of_a_tenant(self, ledger: Ledger) -> None:
        """The newest first, from behind so many."""
        names = [f"r{number}" for number in range(6)]
        for number, name in enumerate(names):
            tenant = ("acme", "other")[number % 2]
            ledger.commit(Batch(runs=(execution(name, tenant),)))

        def listed(query: RunQuery) -> list[str]:
            return [run.run_id for run in ledger.runs(query)]

        assert listed(RunQuery(tenant="acme")) == ["r4", "r2", "r0"]
        assert listed(RunQuery(tenant="acme", offset=1)) == ["r2", "r0"]
        assert listed(RunQuery(tenant="other", limit=1, offset=1)) == ["r3"]
        assert listed(RunQuery(limit=2, offset=4)) == ["r1", "r0"]
        assert listed(RunQuery(tenant="nobody")) == listed(RunQuery(offset=9)) == []

    def test_listing_runs_of_a_commit(self, ledger: Ledger) -> None:
        """Those that began at exactly this one."""
        for number, sha in enumerate(("a" * 40, "b" * 40, None, "a" * 40)):
            began = execution(f"r{number}", "acme")
            run = replace(began, metadata=replace(began.metadata, git_sha=sha))
            ledger.commit(Batch(runs=(run,)))
        found = [run.run_id for run in ledger.runs(RunQuery(git_sha="a" * 40))]
        assert found == ["r3", "r0"]
        assert ledger.runs(RunQuery(git_sha="a" * 39)) == []
