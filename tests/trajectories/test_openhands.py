from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from aivcs.domain.run import RunStatus
from aivcs.errors import InvalidSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CALL = {"function_name": "execute_bash", "tool_call_id": "t1"}
SYSTEM = {
    "id": 0,
    "timestamp": "2025-04-30T16:32:54.707474",
    "source": "agent",
    "action": "system",
    "args": {"content": "You are an agent.", "tools": [{"name": "bash"}], "agent_class": "A"},
}
ASK = {"id": 1, "source": "user", "action": "message", "args": {"content": "Fix it."}}
ANSWER = {"id": 2, "source": "agent", "action": "message", "message": "I will."}
RUN = {"id": 5, "source": "agent", "action": "run", "args": {}, "tool_call_metadata": CALL}
RAN = {"id": 6, "cause": 5, "observation": "run", "content": "a", "tool_call_metadata": CALL}
ERROR = {"id": 7, "timestamp": "soon", "observation": "error", "content": "bad"}
LINE: dict[str, Any] = {
    "instance_id": "task-1",
    "metadata": {
        "agent_class": "CodeActAgent",
        "llm_config": {"model": "m", "api_key": "***", "log_completions_folder": "logs/task-1"},
        "max_iterations": 50,
        "start_time": "2025-04-30 16:31:22",
    },
    "history": [SYSTEM, ASK, ANSWER, RUN, RAN, ERROR],
    "error": None,
}


@pytest.mark.optional_data
def test_real_runs_have_one_event_an_entry(
    files: Callable[[str], Iterator[Path]], recorded: Callable[..., Any]
) -> None:
    for path in files("openhands"):
        raw = [json.loads(line) for line in path.read_bytes().splitlines()]
        runs = recorded(path.read_bytes())
        assert len(runs) == len(raw)
        for run, source in zip(runs, raw, strict=True):
            assert len(run.events) == len(source["history"])
            for event, entry in zip(run.events, source["history"], strict=True):
                assert event.payload.items() >= entry.items()
                assert event.payload["cause"] == entry.get("cause")
                when = datetime.fromisoformat(entry["timestamp"]).replace(tzinfo=UTC)
                assert event.timestamp == when
                said = entry.get("action") in ("message", "system")
                kind = "tool_called" if "action" in entry else "tool_returned"
                assert event.kind == ("message_added" if said else kind)
            assert run.tags["instance_id"] == source["instance_id"]
            assert run.status is RunStatus.COMPLETED
            assert not run.warnings
            assert run.spec == runs[0].spec
            assert set(run.spec) == {"prompts", "tools", "model", "config"}


def test_what_a_history_becomes(recorded: Callable[..., Any]) -> None:
    (run,) = recorded(LINE)
    system, ask, answer, called, returned, error = run.events
    assert system.kind == ask.kind == answer.kind == "message_added"
    assert (system.payload["role"], system.payload["content_length"]) == ("system", 17)
    assert (ask.payload["role"], ask.payload["content_length"]) == ("user", 7)
    assert (answer.payload["role"], answer.payload["content_length"]) == ("assistant", 7)
    assert (called.kind, returned.kind, error.kind) == (
        "tool_called",
        "tool_returned",
        "tool_returned",
    )
    assert called.payload == {
        "tool_name": "execute_bash",
        "cause": None,
        "tool_call_id": "t1",
        **RUN,
    }
    assert returned.payload == {"tool_name": "execute_bash", "tool_call_id": "t1", **RAN}
    assert error.payload == {"tool_name": "error", "cause": None, **ERROR}
    assert run.warnings == ("History entry 5 of line 1 has a timestamp that is no time: 'soon'.",)
    assert run.started_at == datetime(2025, 4, 30, 16, 32, 54, 707474, tzinfo=UTC)
    assert run.tags == {
        "format": "openhands",
        "instance_id": "task-1",
        "agent_class": "CodeActAgent",
        "model": "m",
    }


def test_the_spec_has_nothing_of_the_task(recorded: Callable[..., Any]) -> None:
    (run,) = recorded(LINE)
    assert run.spec["prompts"] == {"prompts/system.md": b"You are an agent."}
    assert run.spec["tools"] == {"tools/tools.json": b'[{"name":"bash"}]'}
    assert run.spec["model"] == {"model.json": b'{"api_key":"***","model":"m"}'}
    assert json.loads(run.spec["config"]["config/agent.json"]) == {
        "format": "openhands",
        "agent_class": "A",
        "max_iterations": 50,
    }


def test_histories_of_pairs_and_odd_entries(recorded: Callable[..., Any]) -> None:
    act = {"id": 3, "action": "run", "args": {"command": "ls"}}
    saw = {"observation": "run", "content": "a.py"}
    (run,) = recorded({"instance_id": 1, "history": [[act, saw], 9, {"action": None}, ["x"]]})
    assert [event.kind for event in run.events] == [
        "tool_called",
        "tool_returned",
        "custom",
        "custom",
        "custom",
    ]
    assert run.events[1].payload == {"tool_name": "run", "cause": 3, **saw}
    assert run.events[2].payload == {"event_type": "entry", "data": 9}
    assert run.events[3].payload == {"event_type": "entry", "data": {"action": None}}
    assert len(run.warnings) == 3


@pytest.mark.parametrize(
    ("result", "passed"),
    [
        ({"report": {"resolved": True}}, True),
        ({"resolved": False}, False),
        ({"git_patch": "diff"}, None),
        ("odd", None),
    ],
)
def test_a_verdict_becomes_an_evaluation(
    result: object, passed: object, recorded: Callable[..., Any]
) -> None:
    (run,) = recorded({**LINE, "history": [ASK], "test_result": result})
    assert run.tags.get("resolved") is passed
    verdicts = [e.payload for e in run.events if e.kind == "evaluation_result"]
    assert [verdict["passed"] for verdict in verdicts] == ([] if passed is None else [passed])
    assert all(verdict["test_result"] == result for verdict in verdicts)
    assert all(verdict["example_id"] == "task-1" for verdict in verdicts)


def test_an_error_fails_the_run(recorded: Callable[..., Any]) -> None:
    (run,) = recorded({**LINE, "error": "AgentStuckInLoopError"})
    assert run.status is RunStatus.FAILED
    assert run.tags["error"] == "AgentStuckInLoopError"


def test_each_line_is_a_run_and_other_lines_are_kept(recorded: Callable[..., Any]) -> None:
    lines = ["[1]", json.dumps({**LINE, "history": []}), "null", "", json.dumps(LINE)]
    first, second = recorded("\n".join(lines))
    assert [event.payload["data"] for event in first.events] == [[1], None]
    assert first.warnings[1] == "Line 3 is not an object; it is kept as a custom event."
    assert len(second.events) == 6


@pytest.mark.parametrize("text", ["3", "{}", '{"history": 1}', '{"history": []}\n{}'])
def test_what_is_no_openhands_file_says_so(text: str, recorded: Callable[..., Any]) -> None:
    with pytest.raises(InvalidSource, match="sample is not openhands"):
        recorded(text, "openhands")
