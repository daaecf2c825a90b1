from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aivcs.domain.digest import Digest
from aivcs.domain.events import RunEvent
from aivcs.domain.execution import ExecutionState
from aivcs.domain.jsondelta import Delta
from aivcs.domain.metrics import MetricDelta, compare_metrics, metrics
from aivcs.domain.nodepaths import NodeDivergence, NodeStep, compare_node_paths, node_path
from aivcs.domain.replay import behaviour_digest
from aivcs.domain.run import RunId, RunMetadata, RunRecord, RunStatus, RunSummary
from aivcs.domain.rundiff import RunSide, diff_runs, first_divergence
from aivcs.errors import InvalidInputError

WHEN = datetime(2026, 1, 31, 12, tzinfo=UTC)


def _record(run_id: str, duration: int | None = 5) -> RunRecord:
    ended = duration is not None
    return RunRecord(
        run_id=RunId(run_id),
        spec_digest=Digest.of(b"spec"),
        metadata=RunMetadata("helper"),
        status=RunStatus.COMPLETED if ended else RunStatus.RUNNING,
        state=ExecutionState.COMPLETED if ended else ExecutionState.RUNNING,
        summary=None if duration is None else RunSummary(0, None, duration, success=True),
        created_at=WHEN,
        completed_at=WHEN if ended else None,
        total_events=0,
    )


def _events(*pairs: tuple[str, Any]) -> list[RunEvent]:
    return [RunEvent(seq, kind, payload, WHEN) for seq, (kind, payload) in enumerate(pairs, 1)]


def _path(*nodes: str) -> list[NodeStep]:
    return [NodeStep(seq, node) for seq, node in enumerate(nodes, 1)]


def test_only_nodes_that_are_named_are_on_the_way() -> None:
    events = _events(
        ("node_entered", {"node_id": "a", "iteration": 1}),
        ("node_entered", {}),
        ("node_entered", None),
        ("node_exited", {"node_id": "a"}),
        ("step_started", {"step_id": "s9", "step_type": "ToolNode", "name": "b"}),
    )
    assert node_path(events) == [NodeStep(1, "a"), NodeStep(5, "b")]
    assert node_path([RunEvent(None, "node_entered", {"node_id": "a"})]) == [NodeStep(1, "a")]


def test_ways_that_do_not_part() -> None:
    assert compare_node_paths([], []) is None
    assert compare_node_paths(_path("a", "b"), _path("a", "b")) is None


@pytest.mark.parametrize(
    ("a", "b", "common"),
    [("abc", "abd", "ab"), ("ab", "abc", "ab"), ("abc", "", ""), ("a", "b", ""), ("ab", "ba", "")],
)
def test_where_ways_part(a: str, b: str, common: str) -> None:
    found = compare_node_paths(_path(*a), _path(*b))
    tails = tuple(_path(*a)[len(common) :]), tuple(_path(*b)[len(common) :])
    assert found == NodeDivergence(tuple(common), *tails)
    assert json.loads(json.dumps(found.to_dict()))["common_prefix"] == list(common)


def test_metrics_of_a_run() -> None:
    events = _events(
        ("tool_called", {}),
        ("tool_call_started", {}),
        ("tool_failed", {}),
        ("message_added", {}),
        ("mine", {}),
        ("evaluation_result", {"passed": True, "score": 1}),
        ("evaluation_result", {"passed": False, "score": 0.5}),
        ("evaluation_result", {"passed": 1, "score": True}),
        ("evaluation_result", None),
    )
    assert metrics(_record("r"), events) == {
        "status": "COMPLETED",
        "duration_ms": 5,
        "events": 9,
        "tool_calls": 2,
        "tool_failures": 1,
        "messages": 1,
        "evaluations": 4,
        "passed": 1,
        "score": 0.75,
    }
    assert metrics(_record("r", None), []) == {"status": "RUNNING"}


def test_metrics_that_differ() -> None:
    assert compare_metrics({"a": 1, "b": 2, "c": 3}, {"b": 2, "c": 4, "d": "x"}) == (
        MetricDelta("a", 1, None),
        MetricDelta("c", 3, 4),
        MetricDelta("d", None, "x"),
    )


def test_the_first_divergence_is_named() -> None:
    a = _events(("tool_called", {"tool_name": "t", "args": {"q": 1}}), ("mine", 1))
    b = _events(("tool_called", {"tool_name": "t", "args": {"q": 2}}), ("mine", 2))
    found = first_divergence(a, b)
    assert found is not None
    assert (found.index, found.a, found.b) == (0, a[0], b[0])
    assert found.deltas == (Delta("/args/q", 1, 2),)
    other = first_divergence(a, [a[0], RunEvent(2, "other", 1, WHEN)])
    assert other is not None
    assert (other.index, other.deltas) == (1, ())
    shorter = first_divergence(a, a[:1])
    assert shorter is not None
    assert (shorter.index, shorter.a, shorter.b) == (1, a[1], None)
    assert shorter.to_dict()["b"] is None
    assert first_divergence(a, a) is None


KINDS = st.sampled_from(["tool_call_started", "node_exited", "mine"])
PAYLOADS = st.fixed_dictionaries(
    {},
    optional={
        "tool_call_id": st.sampled_from(["x", "y"]),
        "duration_ms": st.integers(0, 2),
        "q": st.sampled_from([1, 1.0, True, None]),
    },
)
RUNS = st.lists(st.builds(RunEvent, st.just(1), KINDS, PAYLOADS, st.just(WHEN)), max_size=4)


@given(RUNS, RUNS)
def test_runs_diverge_exactly_when_their_behaviour_differs(
    a: list[RunEvent], b: list[RunEvent]
) -> None:
    found = first_divergence(a, b)
    assert (found is None) == (behaviour_digest(a) == behaviour_digest(b))
    if found is not None:
        assert behaviour_digest(a[: found.index]) == behaviour_digest(b[: found.index])


def test_two_runs() -> None:
    a = _events(
        ("node_entered", {"node_id": "plan"}),
        ("tool_called", {"tool_name": "search", "tool_call_id": "1", "q": "x"}),
        ("checkpoint_saved", {"checkpoint_id": "c", "node_id": "plan", "state_hash": "00"}),
    )
    b = _events(
        ("node_entered", {"node_id": "plan"}),
        ("tool_called", {"tool_name": "search", "tool_call_id": "9", "q": "y"}),
        ("node_entered", {"node_id": "act"}),
        ("checkpoint_saved", {"checkpoint_id": "c", "node_id": "act", "state_hash": "01"}),
    )
    diff = diff_runs(RunSide(_record("a"), a), RunSide(_record("b", 9), b))
    assert (diff.a, diff.b) == ("a", "b")
    assert diff.divergence is not None
    assert (diff.divergence.index, diff.divergence.deltas) == (1, (Delta("/q", "x", "y"),))
    assert diff.nodes == NodeDivergence(("plan",), (), (NodeStep(3, "act"),))
    assert diff.state == (Delta("/node_id", "plan", "act"), Delta("/state_hash", "00", "01"))
    assert [delta.name for delta in diff.metrics] == ["duration_ms", "events", "nodes"]
    shown = json.loads(json.dumps(diff.to_dict()))
    assert shown["divergence"]["a"]["kind"] == "tool_called"
    assert [change["change"] for change in shown["tool_calls"]] == ["param_changed"]
    assert shown["metrics"][0] == {"name": "duration_ms", "before": 5, "after": 9}
    assert len(shown["state"]) == 2


def test_states_that_are_given_are_compared_where_one_asks() -> None:
    a = RunSide(_record("a"), [], {"memory": [1], "x": 1})
    b = RunSide(_record("b"), [], {"memory": [2], "x": 2})
    assert diff_runs(a, b).state == (Delta("/memory/0", 1, 2), Delta("/x", 1, 2))
    assert diff_runs(a, b, ["/x"]).state == (Delta("/x", 1, 2),)
    assert diff_runs(a, b, []).state == ()
    with pytest.raises(InvalidInputError, match="not a JSON pointer"):
        diff_runs(a, b, ["x"])


def test_a_run_and_itself() -> None:
    events = _events(("node_entered", {"node_id": "a"}), ("tool_called", {"tool_name": "t"}))
    diff = diff_runs(RunSide(_record("a"), events), RunSide(_record("a"), events)).to_dict()
    assert diff == {
        "a": "a",
        "b": "a",
        "divergence": None,
        "tool_calls": [],
        "nodes": None,
        "state": [],
        "metrics": [],
    }
