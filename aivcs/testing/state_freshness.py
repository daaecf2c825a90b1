"""How snapshots stand to the logs of their executions: the contract as a test suite.

A fixture ``opened`` opens the same repository with a given clock.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from aivcs.domain.events import RunEvent
from aivcs.domain.execution import ExecutionState, WaitReason
from aivcs.domain.execution_snapshot import Freshness
from aivcs.domain.run import RunMetadata, RunStatus
from aivcs.services.bodies import INLINE_LIMIT
from aivcs.testing.state_store import NOON, Watch, snapshot_of
from aivcs.testing.subject import add_spec, end

if TYPE_CHECKING:
    from aivcs.repo import Repo
    from aivcs.testing.state_store import OpenWith

LONG: Final = "x" * (2 * INLINE_LIMIT)


def started(step: str) -> RunEvent:
    """Return the event of a step that begins."""
    payload = {"step_id": step, "step_type": "ToolNode", "name": step}
    return RunEvent(None, "step_started", payload, NOON)


def completed(step: str, output: str | None) -> RunEvent:
    """Return the event of a step that ends well."""
    payload = {"step_id": step, "output": output, "duration_ms": 1}
    return RunEvent(None, "step_completed", payload, NOON)


def failed(step: str) -> RunEvent:
    """Return the event of a step that fails."""
    return RunEvent(None, "step_failed", {"step_id": step, "error": {}}, NOON)


def begin(repo: Repo, *events: RunEvent) -> str:
    """Begin a run with these events and return its id."""
    run_id = repo.runs.create_run(add_spec(repo), RunMetadata("helper"))
    repo.runs.append_events(run_id, list(events))
    return run_id


class StateFreshnessContract:
    """Fresh, behind, ahead; and what folding adds."""

    @pytest.fixture
    def repo(self, opened: OpenWith) -> Repo:
        """Return a repository."""
        return opened(Watch())

    def test_fresh_behind_and_ahead(self, repo: Repo) -> None:
        """What has seen all, less, and more than the log has."""
        run_id = begin(repo, started("a"), started("b"), started("c"))
        for seq, freshness in (
            (3, Freshness.FRESH),
            (2, Freshness.BEHIND),
            (0, Freshness.BEHIND),
            (4, Freshness.INVALID),
        ):
            assert repo.state.save_snapshot(snapshot_of(run_id, seq), force=True)
            assert repo.state.freshness(run_id) is freshness, seq

    def test_the_log_goes_on(self, repo: Repo) -> None:
        """A snapshot that was fresh is behind then."""
        run_id = begin(repo, started("a"))
        repo.state.save_snapshot(snapshot_of(run_id, 1))
        assert repo.state.freshness(run_id) is Freshness.FRESH
        repo.runs.append_events(run_id, [completed("a", "1")])
        assert repo.state.freshness(run_id) is Freshness.BEHIND

    def test_what_came_since_is_folded_onto_it(self, repo: Repo) -> None:
        """Outputs and the current step follow the events; variables stay; it is kept."""
        run_id = begin(repo, started("a"), completed("a", "one"), started("b"))
        mine = snapshot_of(
            run_id, 3, current_step_id="b", step_outputs={"a": "mine"}, variables={"n": 1}
        )
        repo.state.save_snapshot(replace(mine, user_id="ann"))
        repo.runs.append_events(
            run_id, [completed("b", LONG), failed("c"), started("d"), RunEvent(None, "thought")]
        )
        found = repo.state.load_fresh(run_id)
        assert found is not None
        assert found.sequence_number == 7
        assert found.current_step_id == "d"
        assert found.step_outputs == {"a": "mine", "b": LONG}
        assert (found.variables, found.user_id) == ({"n": 1}, "ann")
        assert found.state is ExecutionState.RUNNING
        assert found.timestamp == NOON
        assert repo.state.load_snapshot(run_id) == found
        assert repo.state.freshness(run_id) is Freshness.FRESH

    def test_without_a_snapshot_the_log_is_folded(self, repo: Repo) -> None:
        """All of it, and the result is kept."""
        run_id = begin(repo, started("a"), completed("a", None), started("b"), failed("b"))
        found = repo.state.load_fresh(run_id)
        assert found is not None
        assert (found.sequence_number, found.current_step_id) == (4, None)
        assert found.step_outputs == {"a": None}
        assert repo.state.load_snapshot(run_id) == found
        empty = repo.state.load_fresh(begin(repo))
        assert empty is not None
        assert empty.sequence_number == 0

    def test_a_fresh_one_comes_back_as_it_is(self, repo: Repo) -> None:
        """Nothing is written for it."""
        run_id = begin(repo, started("a"))
        mine = snapshot_of(run_id, 1, step_outputs={"x": 1}, timestamp=NOON.replace(year=2020))
        repo.state.save_snapshot(mine)
        assert repo.state.load_fresh(run_id) == mine

    def test_one_that_is_ahead_is_of_no_use(self, repo: Repo) -> None:
        """The log is folded instead, and what comes of that takes its place."""
        run_id = begin(repo, started("a"))
        repo.state.save_snapshot(snapshot_of(run_id, 9, step_outputs={"z": 1}))
        found = repo.state.load_fresh(run_id)
        assert found is not None
        assert (found.sequence_number, found.step_outputs) == (1, {})
        assert repo.state.freshness(run_id) is Freshness.FRESH

    def test_one_that_is_ahead_gives_way(self, repo: Repo) -> None:
        """A sound one may be saved over it, although it has seen less."""
        run_id = begin(repo, started("a"))
        repo.state.save_snapshot(snapshot_of(run_id, 9))
        assert repo.state.save_snapshot(snapshot_of(run_id, 1))
        assert repo.state.freshness(run_id) is Freshness.FRESH

    def test_an_older_one_does_not_replace_a_newer(self, repo: Repo) -> None:
        """Unless it is forced to."""
        run_id = begin(repo, started("a"), started("b"))
        assert repo.state.save_snapshot(snapshot_of(run_id, 2, variables={"v": 2}))
        assert not repo.state.save_snapshot(snapshot_of(run_id, 1))
        found = repo.state.load_snapshot(run_id)
        assert found is not None
        assert found.variables == {"v": 2}
        assert repo.state.save_snapshot(snapshot_of(run_id, 1), force=True)
        found = repo.state.load_snapshot(run_id)
        assert found is not None
        assert found.sequence_number == 1
        assert repo.state.freshness(run_id) is Freshness.BEHIND

    def test_it_may_be_saved_when_the_log_has_gone_on(self, repo: Repo) -> None:
        """The tree over what it has seen is made from what was kept before, or from all."""
        events = [started(f"s{number}") for number in range(40)]
        run_id = begin(repo, *events)
        for seq in (7, 32, 33):
            assert repo.state.save_snapshot(snapshot_of(run_id, seq))
            assert repo.state.freshness(run_id) is Freshness.BEHIND
        assert repo.state.save_snapshot(snapshot_of(run_id, 5), force=True)
        found = repo.state.load_fresh(run_id)
        assert found is not None
        assert found.current_step_id == "s39"

    def test_the_end_of_a_run_is_no_event(self, repo: Repo) -> None:
        """And yet the state is that of the run."""
        run_id = begin(repo, started("a"))
        repo.state.save_snapshot(snapshot_of(run_id, 1))
        end(repo, run_id, RunStatus.COMPLETED)
        assert repo.state.freshness(run_id) is Freshness.BEHIND
        found = repo.state.load_fresh(run_id)
        assert found is not None
        assert found.state is ExecutionState.COMPLETED
        assert repo.state.load_snapshot(run_id) == found
        assert repo.state.freshness(run_id) is Freshness.FRESH

    @pytest.mark.parametrize("payload", [None, [], "a", {}, {"step_id": 7}])
    def test_events_of_another_shape(self, repo: Repo, payload: Any) -> None:  # noqa: ANN401
        """They change nothing."""
        run_id = begin(repo, RunEvent(None, "step_completed", payload, NOON))
        found = repo.state.load_fresh(run_id)
        assert found is not None
        assert (found.step_outputs, found.current_step_id) == ({}, None)

    def test_an_execution_of_the_event_store(self, repo: Repo) -> None:
        """It has a tenant, and states of its own."""
        step = {"step_id": "a", "step_type": "ToolNode", "name": "a"}
        repo.events.append_batch(
            "x",
            "acme",
            [
                {"type": "execution_started"},
                {"type": "step_started", **step},
                {"type": "step_completed", "step_id": "a", "output": "one", "duration_ms": 3},
                {"type": "execution_waiting", "reason": "approval"},
            ],
        )
        found = repo.state.load_fresh("x")
        assert found is not None
        assert (found.tenant_id, found.sequence_number) == ("acme", 4)
        assert (found.state, found.wait) == (ExecutionState.WAITING, WaitReason.APPROVAL)
        assert found.step_outputs == {"a": "one"}
        assert repo.state.list_snapshots("acme") == ["x"]
        repo.events.append("x", "acme", {"type": "execution_resumed"})
        assert repo.state.freshness("x") is Freshness.BEHIND
        found = repo.state.load_fresh("x")
        assert found is not None
        assert (found.state, found.wait) == (ExecutionState.RUNNING, None)
        assert repo.state.save_snapshot(replace(found, tenant_id="zeta"), force=True)
        assert repo.state.freshness("x") is Freshness.INVALID
        found = repo.state.load_fresh("x")
        assert found is not None
        assert found.tenant_id == "acme"
