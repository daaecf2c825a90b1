from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from aivcs.errors import InvalidSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

USE = {"type": "tool_use", "id": "t1", "name": "Write", "input": {"path": "a"}, "caller": "x"}
RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": "ok", "is_error": False}


def _line(kind: str, content: object, **more: object) -> dict[str, Any]:
    message = {"role": kind, "content": content}
    return {"type": kind, "uuid": "u", "sessionId": "s", "message": message, **more}


def _text(*lines: object) -> str:
    return "\n".join(json.dumps(line) for line in lines)


def _expected(lines: list[Any]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for line in lines:
        spoken = isinstance(line, dict) and line.get("type") in ("user", "assistant")
        counts["message_added" if spoken else "custom"] += 1
        message = line.get("message") if spoken else None
        content = message.get("content") if isinstance(message, dict) else None
        for block in content if isinstance(content, list) else []:
            kind = block.get("type") if isinstance(block, dict) else None
            counts["tool_called"] += kind == "tool_use"
            counts["tool_returned"] += kind == "tool_result"
    return +counts


@pytest.mark.optional_data
def test_real_sessions_keep_every_line_and_block(
    files: Callable[[str], Iterator[Path]], recorded: Callable[..., Any]
) -> None:
    for path in files("claude-code-samples"):
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".json":
            lines = json.loads(text)["loglines"]
        else:
            lines = [json.loads(line) for line in text.splitlines()]
        (run,) = recorded(text)
        assert run.format == "claude-code"
        assert Counter(event.kind for event in run.events) == _expected(lines)
        of_lines = [e for e in run.events if e.kind in ("message_added", "custom")]
        for event, line in zip(of_lines, lines, strict=True):
            if event.kind == "custom":
                assert event.payload["data"] == line
                continue
            rest = {key: value for key, value in line.items() if key != "message"}
            assert event.payload.items() >= rest.items()
            if isinstance(line["message"], dict):
                assert event.payload["content"] == line["message"].get("content")


def test_what_a_session_becomes(recorded: Callable[..., Any]) -> None:
    said = [{"type": "text", "text": "Writing."}, USE, "odd block"]
    assistant = _line("assistant", said, timestamp="2026-01-01T10:00:01.5Z", version="2.0")
    assistant["message"]["model"] = "opus"
    (run,) = recorded(
        _text(
            {"type": "summary", "summary": "A session", "leafUuid": "u"},
            _line("user", "Hi", timestamp="2026-01-01T10:00:00Z"),
            assistant,
            _line("user", [RESULT], toolUseResult=[1], timestamp="2026-01-01T10:00:02"),
        )
    )
    summary, hello, writing, called, answer, returned = run.events
    assert summary.payload["event_type"] == "summary"
    assert summary.payload["data"]["summary"] == "A session"
    assert hello.payload == {
        "role": "user",
        "content": "Hi",
        "content_length": 2,
        "type": "user",
        "uuid": "u",
        "sessionId": "s",
        "timestamp": "2026-01-01T10:00:00Z",
    }
    assert writing.payload["content"] == said
    assert writing.payload["content_length"] == len("Writing.\nodd block")
    assert writing.payload["message"] == {"model": "opus"}
    assert called.payload == {
        "tool_name": "Write",
        "tool_call_id": "t1",
        "arguments": {"path": "a"},
        "type": "tool_use",
        "caller": "x",
    }
    assert called.timestamp == datetime(2026, 1, 1, 10, 0, 1, 500000, tzinfo=UTC)
    assert answer.payload["toolUseResult"] == [1]
    assert answer.timestamp is None
    assert returned.payload["tool_name"] == "Write"
    assert returned.payload["is_error"] is False
    assert run.warnings == (
        "Content block 2 of line 3 is not an object.",
        "Line 4 has a timestamp that is no time: '2026-01-01T10:00:02'.",
    )
    assert run.tags == {"format": "claude-code", "sessionId": "s", "version": "2.0"}
    assert run.spec == {
        "model": {"model.json": b'{"models":["opus"]}'},
        "config": {"config/agent.json": b'{"format":"claude-code","version":"2.0"}'},
    }
    assert (run.started_at, run.ended_at) == (hello.timestamp, called.timestamp)


def test_broken_lines_are_kept(recorded: Callable[..., Any]) -> None:
    (run,) = recorded(
        _text(
            "text",
            {"silly": 1},
            {"type": "user", "uuid": "u"},
            {"type": "user", "uuid": "u", "message": "error"},
            _line("user", [{**RESULT, "tool_use_id": None}, {"type": "tool_use"}]),
        )
    )
    assert [event.kind for event in run.events] == [
        "custom",
        "custom",
        "message_added",
        "message_added",
        "message_added",
        "tool_returned",
        "tool_called",
    ]
    assert run.events[3].payload["content"] == "error"
    assert run.events[5].payload["tool_name"] == "unknown"
    assert run.events[6].payload["tool_name"] == "unknown"
    assert len(run.warnings) == 2


def test_one_document_of_log_lines(recorded: Callable[..., Any]) -> None:
    document = {"loglines": [_line("user", "Hi"), 7]}
    (run,) = recorded(json.dumps(document, indent=2))
    assert [event.kind for event in run.events] == ["message_added", "custom"]
    assert run.warnings == ("Log line 1 is not an object; it is kept as a custom event.",)


def test_synthetic_messages_name_no_model(recorded: Callable[..., Any]) -> None:
    line = _line("assistant", "x")
    line["message"]["model"] = "<synthetic>"
    (run,) = recorded(_text(line))
    assert "model" not in run.spec


@pytest.mark.parametrize("text", ["3", "{}", "[1]\n[2]", '{"loglines": 1}'])
def test_what_is_no_session_says_so(text: str, recorded: Callable[..., Any]) -> None:
    with pytest.raises(InvalidSource, match="sample is not claude-code"):
        recorded(text, "claude-code")
