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

STEP = {
    "action": "open a.py 3\n",
    "observation": "[File: a.py]",
    "response": "Let me look.",
    "state": {"open_file": "n/a"},
    "thought": "look",
    "execution_time": 0.5,
}
HISTORY: list[dict[str, Any]] = [
    {"role": "system", "content": "You are a programmer.", "agent": "main"},
    {"role": "user", "content": "An example.", "is_demo": True, "tool_calls": ["x"]},
    {"role": "user", "content": "Fix it."},
    {"role": "assistant", "content": "Looking.", "action": "ls -F", "thought": "look"},
    {"role": "tool", "content": "a.py", "tool_call_ids": ["c1"]},
    {"role": "assistant", "content": "Done."},
]
REPLAY = {
    "agent": {
        "name": "task-1",
        "tools": {"bundles": ["search"]},
        "model": {"name": "m", "api_key": None},
        "templates": {"system_template": "You are a programmer."},
    },
    "problem_statement": {"text": "Fix it."},
}


@pytest.mark.optional_data
def test_real_runs_have_a_pair_of_events_a_step(
    files: Callable[[str], Iterator[Path]], recorded: Callable[..., Any]
) -> None:
    for path in files("swe-agent"):
        raw = json.loads(path.read_bytes())
        (run,) = recorded(path.read_bytes())
        steps = raw["trajectory"]
        assert Counter(event.kind for event in run.events) == {
            "tool_called": len(steps),
            "tool_returned": len(steps),
        }
        for step, called, returned in zip(steps, run.events[::2], run.events[1::2], strict=True):
            together = {**called.payload, **returned.payload}
            assert together.items() >= step.items()
            assert together["tool_name"] in (*step["action"].split()[:1], "none")
        assert run.tags["exit_status"] == raw["info"]["exit_status"]
        assert run.status is RunStatus.COMPLETED
        assert run.spec["prompts"]["prompts/system.md"].decode() == raw["history"][0]["content"]
        assert ("model" in run.spec) is ("replay_config" in raw)


def test_what_a_step_becomes(recorded: Callable[..., Any]) -> None:
    (run,) = recorded({"environment": "main", "trajectory": [STEP, {}, 4], "info": {}})
    assert [event.kind for event in run.events] == [
        "tool_called",
        "tool_returned",
        "tool_called",
        "tool_returned",
        "custom",
    ]
    assert run.events[0].payload == {
        "tool_name": "open",
        "action": "open a.py 3\n",
        "response": "Let me look.",
        "state": {"open_file": "n/a"},
        "thought": "look",
    }
    assert run.events[1].payload == {
        "tool_name": "open",
        "observation": "[File: a.py]",
        "execution_time": 0.5,
    }
    assert run.events[2].payload == {"tool_name": "none"}
    assert run.warnings == ("Step 2 of sample is not an object; it is kept as a custom event.",)
    assert run.tags == {"format": "swe-agent", "environment": "main"}


@pytest.mark.parametrize("extra", [{}, {"trajectory": []}, {"trajectory": None}])
def test_the_history_serves_where_there_are_no_steps(
    extra: dict[str, Any], recorded: Callable[..., Any]
) -> None:
    (run,) = recorded({"history": [*HISTORY, 5], "info": {}, **extra})
    assert [event.kind for event in run.events] == [
        "message_added",
        "message_added",
        "message_added",
        "tool_called",
        "tool_returned",
        "tool_called",
        "custom",
    ]
    assert run.events[1].payload["tool_calls"] == ["x"]
    assert run.events[3].payload == {"tool_name": "ls", **HISTORY[3]}
    assert run.events[4].payload == {
        "tool_name": "ls",
        "observation": "a.py",
        "role": "tool",
        "tool_call_ids": ["c1"],
    }
    assert run.events[5].payload["tool_name"] == "none"
    assert run.spec["prompts"] == {
        "prompts/system.md": b"You are a programmer.",
        "prompts/demonstration-1.md": b"An example.",
    }


@pytest.mark.parametrize(
    ("ended", "status"),
    [
        ("submitted", RunStatus.COMPLETED),
        ("submitted (exit_cost)", RunStatus.COMPLETED),
        (None, RunStatus.COMPLETED),
        ("exit_cost", RunStatus.FAILED),
        (3, RunStatus.FAILED),
    ],
)
def test_the_exit_status_says_how_a_run_ended(
    ended: object, status: RunStatus, recorded: Callable[..., Any]
) -> None:
    (run,) = recorded({"trajectory": [STEP], "info": {"exit_status": ended}})
    assert run.status is status
    assert run.tags.get("exit_status") == ended


@pytest.mark.parametrize("replay", [REPLAY, json.dumps(REPLAY)])
def test_the_replay_configuration_describes_the_agent_without_the_task(
    replay: object, recorded: Callable[..., Any]
) -> None:
    (run,) = recorded({"trajectory": [STEP], "replay_config": replay, "info": "odd"})
    assert run.spec["model"] == {"model.json": b'{"api_key":null,"name":"m"}'}
    assert run.spec["tools"] == {"tools/tools.json": b'{"bundles":["search"]}'}
    assert json.loads(run.spec["config"]["config/agent.json"]) == {
        "format": "swe-agent",
        "agent": {"templates": {"system_template": "You are a programmer."}},
    }


@pytest.mark.parametrize("replay", ["{", "[]", 3, {"agent": 1}])
def test_an_unusable_replay_configuration_says_nothing(
    replay: object, recorded: Callable[..., Any]
) -> None:
    (run,) = recorded({"trajectory": [STEP], "replay_config": replay})
    assert run.spec == {"config": {"config/agent.json": b'{"format":"swe-agent"}'}}


@pytest.mark.parametrize("value", [[], {}, {"trajectory": 1, "history": {}}, 1])
def test_what_is_no_swe_agent_file_says_so(value: object, recorded: Callable[..., Any]) -> None:
    with pytest.raises(InvalidSource, match="sample is not swe-agent"):
        recorded(value, "swe-agent")
