"""What reading a run again gives: its digests, its fold, its resume point, a comparison."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import pytest

from aivcs.domain.digest import Digest
from aivcs.domain.events import RunEvent
from aivcs.domain.execution import ExecutionState
from aivcs.domain.executions.facts import CheckpointSaved
from aivcs.domain.run import RunMetadata, RunStatus
from aivcs.errors import (
    DigestMismatch,
    InvalidEvent,
    InvalidInputError,
    InvalidRunState,
    InvalidSource,
    NotFoundError,
    RunNotFound,
)
from aivcs.testing.event_store import custom
from aivcs.testing.subject import RepoContract, end, ending, note

if TYPE_CHECKING:
    from pathlib import Path

    from aivcs.domain.run import RunId
    from aivcs.repo import Repo

_WHEN: Final = datetime(2024, 6, 1, 12, tzinfo=UTC)
GOLDEN: Final = [
    RunEvent(1, "graph_started", {"graph_name": "golden_graph", "entry_point": "start"}, _WHEN),
    RunEvent(2, "node_entered", {"node_id": "node_0", "iteration": 1}, _WHEN),
    RunEvent(3, "node_exited", {"node_id": "node_0", "next_node": None, "duration_ms": 42}, _WHEN),
    RunEvent(4, "graph_completed", {"iterations": 1, "duration_ms": 100}, _WHEN),
]
PIN: Final = "f5557fd15de85c61ff7507c0b97c671f8ba7471324794df16ceb54b906b0c3f8"
EMPTY: Final = "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"
"""The SHA-256 of an empty JSON array."""


def saved(node: str | None = "n", name: str | None = "c") -> RunEvent:
    """Return a checkpoint's event."""
    payload: dict[str, Any] = {"checkpoint_id": name, "node_id": node}
    return note(payload={k: v for k, v in payload.items() if v}, kind="checkpoint_saved")


class ReplayContract(RepoContract):
    """Reading again; see RepoContract for the fixtures."""

    def test_the_replay_digest_is_that_of_the_source(self, repo: Repo, run_id: RunId) -> None:
        """In whatever order the events came, of an ended run and of one that goes on."""
        repo.runs.append_events(run_id, [GOLDEN[index] for index in (3, 0, 2, 1)])
        for _ in range(2):
            assert str(repo.replay_digest(run_id)) == PIN
            assert str(repo.replay(run_id).summary.replay_digest) == PIN
            if repo.runs.get_run(run_id).status is RunStatus.RUNNING:
                end(repo, run_id, RunStatus.COMPLETED)

    def test_a_run_without_events(self, repo: Repo, run_id: RunId, spec: Digest) -> None:
        """It has the digest of an empty list."""
        summary = repo.replay(run_id).summary
        assert (summary.run_id, summary.agent_name, summary.spec_digest) == (run_id, "agent", spec)
        assert (summary.status, summary.event_count) == (RunStatus.RUNNING, 0)
        assert str(summary.replay_digest) == str(summary.behaviour_digest) == EMPTY
        assert str(repo.behaviour_digest(run_id)) == EMPTY

    def test_behaviour_has_no_times(self, repo: Repo, spec: Digest) -> None:
        """Runs that say the same have one behaviour digest, whenever they did."""
        ids = [repo.runs.create_run(spec, RunMetadata("agent")) for _ in range(3)]
        for run_id, q in zip(ids, ("x", "x", "y"), strict=True):
            event = RunEvent(None, "tool_called", {"tool_name": "search", "q": q})
            repo.runs.append_event(run_id, event)
        one, same, other = map(repo.behaviour_digest, ids)
        assert one == same != other
        assert repo.replay(ids[0]).summary.behaviour_digest == one
        assert repo.diff_runs(ids[0], ids[1]).divergence is None

    def test_unknown_runs(self, repo: Repo, run_id: RunId, tmp_path: Path) -> None:
        """They are named."""
        for call in (
            lambda: repo.replay("nobody"),
            lambda: repo.replay_digest("nobody"),
            lambda: repo.behaviour_digest("nobody"),
            lambda: repo.find_resume_point("nobody"),
            lambda: repo.verify_spec_digest("nobody", "0" * 64),
            lambda: repo.diff_runs(run_id, "nobody"),
            lambda: repo.trace("nobody"),
            lambda: repo.write_trace("nobody", tmp_path),
            lambda: next(repo.watch("nobody")),
        ):
            with pytest.raises(RunNotFound, match="nobody"):
                call()

    def test_the_spec_of_a_run(self, repo: Repo, run_id: RunId, spec: Digest) -> None:
        """An execution names none, so it is of no spec."""
        repo.verify_spec_digest(run_id, spec)
        repo.verify_spec_digest(run_id, str(spec).upper())
        with pytest.raises(DigestMismatch, match=run_id):
            repo.verify_spec_digest(run_id, "0" * 64)
        repo.events.append("e", "t", custom())
        with pytest.raises(DigestMismatch):
            repo.verify_spec_digest("e", spec)

    def test_the_resume_point(self, repo: Repo, run_id: RunId) -> None:
        """The last checkpoint counts, and no earlier one stands in for it."""
        assert repo.find_resume_point(run_id) is None
        repo.runs.append_events(run_id, [note(), saved(name="old"), note(), saved(), note()])
        point = repo.find_resume_point(run_id)
        assert point is not None
        assert (point.checkpoint_id, point.checkpoint_seq, point.node_id) == ("c", 4, "n")
        assert [event.seq for event in point.events_before] == [1, 2, 3, 4]
        assert [event.seq for event in point.events_after] == [5]
        repo.runs.append_event(run_id, saved(node=None))
        with pytest.raises(InvalidEvent, match="node_id"):
            repo.find_resume_point(run_id)

    def test_the_resume_point_of_an_execution(self, repo: Repo) -> None:
        """Its checkpoints are of steps, or of the execution as a whole."""
        for step in ("s1", None):
            repo.events.append("e", "t", CheckpointSaved("c", "0" * 64, step))
            point = repo.find_resume_point("e")
            assert point is not None
            assert (point.node_id, point.state_hash) == (step or "", "0" * 64)

    def test_a_replay_while_it_is_written(self, repo: Repo, run_id: RunId) -> None:
        """It is of the events that were there when it began, early ones too."""
        repo.runs.append_events(run_id, [note(1), note(3), note(4)])
        replayed = repo.replay(run_id)
        assert replayed.summary.event_count == 3
        assert replayed.execution.sequence == 1
        assert replayed.summary.replay_digest == repo.replay_digest(run_id)
        repo.runs.append_event(run_id, note(2))
        assert repo.replay(run_id).execution.sequence == 4

    @pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.CANCELLED])
    def test_a_gap_that_stayed(self, repo: Repo, run_id: RunId, status: RunStatus) -> None:
        """The events behind it belong to the digest, not to the fold."""
        repo.runs.append_events(run_id, [note(1), note(3)])
        end(repo, run_id, status)
        replayed = repo.replay(run_id)
        assert (replayed.summary.event_count, replayed.execution.sequence) == (2, 1)
        assert replayed.execution.state.value.upper() == status.value

    def test_erased_events(self, repo: Repo) -> None:
        """They say nothing, and the state is still known."""
        started = {"type": "execution_started"}
        paused = {"type": "execution_paused", "reason": "secret"}
        cancelled = {"type": "execution_cancelled", "reason": "secret"}
        repo.events.append_batch("e", "t", [started, paused, custom(), cancelled])
        repo.runs.purge("e", [2, 3])
        replayed = repo.replay("e")
        assert (replayed.execution.state, replayed.passed_over) == (ExecutionState.CANCELLED, 0)
        found = repo.events.load_events("e")
        assert [one.erased for one in found] == [False, True, True, False]
        assert found[1].to_dict()["event"] == {
            "type": "custom",
            "event_type": "execution_paused",
            "data": None,
        }
        assert found[1].to_dict()["erased"] is True
        assert [event.erased for event in repo.watch("e", 1)] == [True, True, False]
        with pytest.raises(InvalidRunState):
            repo.events.append("e", "t", custom())

    def test_two_runs_that_differ(self, repo: Repo, spec: Digest) -> None:
        """In their calls, in where they ended, and first at one event."""
        ids = []
        for number, state in ((1, b'{"a": {"b": 1}, "c": 2}'), (2, b'{"a": {"b": 3}, "c": 2}')):
            run_id = repo.runs.create_run(spec, RunMetadata("agent"))
            for q in ("same", number):
                payload = {"tool_name": "search", "q": q}
                repo.runs.append_event(run_id, note(payload=payload, kind="tool_called"))
            final = repo.objects.put(state)
            repo.runs.complete_run(run_id, ending(state=final))
            ids.append(run_id)
        found = repo.diff_runs(*ids)
        assert (found.a, found.b) == tuple(ids)
        assert found.divergence is not None
        assert found.divergence.index == 1
        assert [delta.pointer for delta in found.divergence.deltas] == ["/q"]
        (change,) = found.tool_calls
        assert change.to_dict()["tool_name"] == "search"
        assert [(d.pointer, d.before, d.after) for d in found.state] == [("/a/b", 1, 3)]
        assert repo.diff_runs(*ids, pointers=["/c"]).state == ()
        with pytest.raises(InvalidInputError, match="pointer"):
            repo.diff_runs(*ids, pointers=["c"])
        assert repo.diff_runs(ids[0], ids[0]).to_dict() == {
            "a": ids[0], "b": ids[0], "divergence": None, "tool_calls": [], "nodes": None,
            "state": [], "metrics": [],
        }  # fmt: skip

    @pytest.mark.parametrize("state", [b"not json", b"\xff", b"[" * 100_000])
    def test_a_state_that_is_no_json(self, repo: Repo, spec: Digest, state: bytes) -> None:
        """It is compared like one that is kept elsewhere: not at all."""
        ids = []
        for final in (repo.objects.put(state), Digest.of(b"elsewhere")):
            run_id = repo.runs.create_run(spec, RunMetadata("agent"))
            repo.runs.complete_run(run_id, ending(state=final))
            ids.append(run_id)
        assert repo.diff_runs(*ids).state == ()

    def test_traces_in_a_folder(self, repo: Repo, run_id: RunId, tmp_path: Path) -> None:
        """Written, read, checked, and written again as the run goes on."""
        repo.runs.append_events(run_id, GOLDEN)
        folder = repo.write_trace(run_id, tmp_path / "new" / "traces")
        assert folder == tmp_path / "new" / "traces" / run_id
        assert sorted(path.name for path in folder.iterdir()) == ["trace.digest", "trace.json"]
        assert (folder / "trace.digest").read_text() == f"{PIN}\n"
        trace = repo.read_trace(run_id, folder.parent)
        assert trace == repo.trace(run_id)
        assert trace.events == tuple(repo.runs.get_events(run_id))
        end(repo, run_id, RunStatus.COMPLETED)
        repo.write_trace(run_id, folder.parent)
        assert repo.read_trace(run_id, folder.parent).status is RunStatus.COMPLETED
        with pytest.raises(NotFoundError, match="nobody"):
            repo.read_trace("nobody", tmp_path)
        (folder / "trace.json").write_text("{}")
        with pytest.raises(InvalidSource):
            repo.read_trace(run_id, folder.parent)
