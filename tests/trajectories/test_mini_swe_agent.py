from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from aivcs.domain.run import RunStatus
from aivcs.errors import InvalidSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MESSAGES = [
    {"role": "system", "content": "Help."},
    {"role": "user", "content": "Fix it."},
    {"role": "assistant", "content": "ls", "extra": {"cost": 1}},
]


@pytest.mark.optional_data
def test_real_runs_keep_every_message(
    files: Callable[[str], Iterator[Path]], recorded: Callable[..., Any]
) -> None:
    for path in files("mini-swe-agent"):
        raw = json.loads(path.read_bytes())
        (run,) = recorded(path.read_bytes())
        assert run.format == "mini-swe-agent"
        assert [event.kind for event in run.events] == ["message_added"] * len(raw)
        for message, event in zip(raw, run.events, strict=True):
            assert event.payload == {**message, "content_length": len(message["content"])}


def test_the_object_form_tells_how_the_run_ended(recorded: Callable[..., Any]) -> None:
    info = {
        "exit_status": "LimitsExceeded",
        "model_stats": {"api_calls": 3},
        "mini_version": "1.2",
        "config": {
            "agent": {"step_limit": 3},
            "model": {"model_name": "m"},
            "environment": {"image": "task-1"},
        },
    }
    source = {"info": info, "messages": MESSAGES, "trajectory_format": "mini-swe-agent-1"}
    (run,) = recorded(source)
    assert run.status is RunStatus.FAILED
    assert len(run.events) == 3
    assert run.events[2].payload["extra"] == {"cost": 1}
    assert run.tags == {
        "format": "mini-swe-agent",
        "trajectory_format": "mini-swe-agent-1",
        "exit_status": "LimitsExceeded",
        "model_stats": {"api_calls": 3},
    }
    assert run.spec["model"] == {"model.json": b'{"model_name":"m"}'}
    assert json.loads(run.spec["config"]["config/agent.json"]) == {
        "format": "mini-swe-agent",
        "mini_version": "1.2",
        "agent": {"step_limit": 3},
    }


@pytest.mark.parametrize(
    ("ended", "status"),
    [
        ("Submitted", RunStatus.COMPLETED),
        (None, RunStatus.COMPLETED),
        ("RuntimeError", RunStatus.FAILED),
    ],
)
def test_the_exit_message_tells_it_where_there_is_no_info(
    ended: object, status: RunStatus, recorded: Callable[..., Any]
) -> None:
    last = {"role": "exit", "content": "", "extra": {"exit_status": ended}}
    (run,) = recorded([*MESSAGES, last])
    assert run.status is status


@pytest.mark.parametrize("value", [{}, {"messages": 1}, 1])
def test_what_is_no_mini_swe_agent_file_says_so(
    value: object, recorded: Callable[..., Any]
) -> None:
    with pytest.raises(InvalidSource, match="sample is not mini-swe-agent"):
        recorded(value, "mini-swe-agent")


def test_a_run_without_messages_has_no_events(recorded: Callable[..., Any]) -> None:
    (run,) = recorded({"info": {}, "messages": []})
    assert run.events == ()
    assert run.warnings == ("The run has no events.",)


def test_a_system_message_without_text_is_no_prompt(recorded: Callable[..., Any]) -> None:
    (run,) = recorded([{"role": "system", "content": None}, *MESSAGES])
    assert run.spec["prompts"] == {"prompts/system.md": b"Help."}
