from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from aivcs.domain.run import RunStatus
from aivcs.errors import InvalidSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CALL = {
    "id": "c1",
    "type": "function",
    "function": {"name": "look", "arguments": '{"id": 1}'},
}
CHAT: list[Any] = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "Hi"},
    {"content": None, "role": "assistant", "tool_calls": [CALL], "function_call": None},
    {"role": "tool", "tool_call_id": "c1", "name": "look", "content": "found"},
]
RUN = {"task_id": 7, "trial": 2, "reward": 1.0, "info": {"user_cost": 0.5}, "traj": CHAT}


@pytest.mark.optional_data
def test_real_runs_keep_every_message_call_and_result(
    files: Callable[[str], Iterator[Path]], recorded: Callable[..., Any]
) -> None:
    for path in files("tau-bench"):
        raw = json.loads(path.read_bytes())
        runs = recorded(path.read_bytes())
        assert len(runs) == len(raw)
        for run, source in zip(runs, raw, strict=True):
            chat = source["traj"]
            kinds = Counter(event.kind for event in run.events)
            assert kinds["message_added"] == len(chat)
            assert kinds["tool_called"] == sum(len(m.get("tool_calls") or []) for m in chat)
            assert kinds["tool_returned"] == sum(m["role"] == "tool" for m in chat)
            assert kinds["evaluation_result"] == 1
            assert kinds.total() == sum(kinds[name] for name in kinds if name != "custom")
            said = [e.payload for e in run.events if e.kind == "message_added"]
            assert [(m["role"], m["content"]) for m in said] == [
                (m["role"], m["content"]) for m in chat
            ]
            called = [e.payload["arguments"] for e in run.events if e.kind == "tool_called"]
            assert called == [
                json.loads(call["function"]["arguments"])
                for m in chat
                for call in m.get("tool_calls") or []
            ]
            assert run.events[-1].payload["passed"] is (source["reward"] == 1)
            assert run.tags["reward"] == source["reward"]
            assert run.tags["task_id"] == source["task_id"]
            assert run.status is RunStatus.COMPLETED
            assert not run.warnings


@pytest.mark.optional_data
def test_all_real_runs_of_one_agent_share_one_spec(
    files: Callable[[str], Iterator[Path]], recorded: Callable[..., Any]
) -> None:
    for path in files("tau-bench"):
        specs = [run.spec for run in recorded(path.read_bytes())]
        assert all(spec == specs[0] for spec in specs)
        assert set(specs[0]) == {"prompts", "tools", "config"}


def test_what_a_run_becomes(recorded: Callable[..., Any]) -> None:
    (run,) = recorded([RUN])
    assert (run.format, run.agent) == ("tau-bench", "tau-bench")
    assert [event.kind for event in run.events] == [
        "message_added",
        "message_added",
        "message_added",
        "tool_called",
        "message_added",
        "tool_returned",
        "evaluation_result",
    ]
    assert run.events[1].payload == {"role": "user", "content": "Hi", "content_length": 2}
    assert run.events[2].payload == {
        "role": "assistant",
        "content": None,
        "content_length": 0,
        "function_call": None,
    }
    assert run.events[3].payload == {
        "tool_name": "look",
        "tool_call_id": "c1",
        "arguments": {"id": 1},
        "type": "function",
    }
    assert run.events[5].payload == {
        "tool_name": "look",
        "tool_call_id": "c1",
        "content": "found",
    }
    assert run.events[6].payload == {
        "suite": "tau-bench",
        "example_id": "7",
        "passed": True,
        "score": 1.0,
        "trial": 2,
        "info": {"user_cost": 0.5},
    }
    assert run.tags == {"format": "tau-bench", "task_id": 7, "trial": 2, "reward": 1.0}
    assert run.spec["prompts"] == {"prompts/system.md": b"Be kind."}
    assert run.spec["tools"] == {"tools/tools.json": b'["look"]'}
    assert (run.started_at, run.ended_at) == (None, None)


def test_a_run_alone_and_a_run_without_reward(recorded: Callable[..., Any]) -> None:
    (run,) = recorded({"traj": CHAT[:2]})
    assert [event.kind for event in run.events] == ["message_added"] * 2
    assert run.tags == {"format": "tau-bench"}


def test_a_failed_task_is_a_completed_run(recorded: Callable[..., Any]) -> None:
    (run,) = recorded([{**RUN, "reward": 0.0}])
    assert run.status is RunStatus.COMPLETED
    assert run.events[-1].payload["passed"] is False


def test_entries_that_are_no_objects_are_kept(recorded: Callable[..., Any]) -> None:
    first, second = recorded([1, RUN, "two", {**RUN, "traj": [3, *CHAT]}])
    assert first.events[0].payload == {"event_type": "entry", "data": 1}
    assert first.events[-1].payload == {"event_type": "entry", "data": "two"}
    assert second.events[0].payload == {"event_type": "message", "data": 3}
    assert len(first.warnings) == 2
    assert first.warnings[1].startswith("Entry 2 is not an object")
    assert second.warnings == (
        "Message 0 of entry 3 is not an object; it is kept as a custom event.",
    )


def test_variants_of_calls(recorded: Callable[..., Any]) -> None:
    calls = [
        "odd",
        {"id": "a", "name": "flat", "arguments": {"x": 1}},
        {"id": "b", "function": {"name": "text", "arguments": "not json"}},
        {"id": "c", "function": "odd"},
    ]
    chat = [
        {"role": "assistant", "content": "x", "tool_calls": calls},
        {"role": "assistant", "function_call": {"name": "old", "arguments": "NaN"}},
        {"role": "tool", "tool_call_id": "a", "content": "1"},
        {"role": "function", "content": [{"type": "text", "text": "abc"}, 5]},
        {"content": "nobody", "name": "who", "tool_calls": None},
    ]
    (run,) = recorded([{"traj": chat}])
    called = [e.payload for e in run.events if e.kind == "tool_called"]
    assert [(c["tool_name"], c["arguments"]) for c in called] == [
        ("flat", {"x": 1}),
        ("text", "not json"),
        ("unknown", None),
        ("old", "NaN"),
    ]
    assert called[2]["function"] == "odd"
    returned = [e.payload["tool_name"] for e in run.events if e.kind == "tool_returned"]
    assert returned == ["flat", "old"]
    said = [e.payload for e in run.events if e.kind == "message_added"]
    assert said[3]["content_length"] == 3
    assert said[4]["role"] == "unknown"
    assert said[4]["tool_calls"] is None
    assert len(run.warnings) == 2


@pytest.mark.parametrize("value", [[], [1], {}, [{"traj": 1}], [RUN, {"task_id": 1}], 5])
def test_what_is_no_tau_bench_file_says_so(value: object, recorded: Callable[..., Any]) -> None:
    with pytest.raises(InvalidSource, match=r"sample is not tau-bench: expected .* found "):
        recorded(value, "tau-bench")
