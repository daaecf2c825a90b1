from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from aivcs.domain.run import RunStatus
from aivcs.errors import InvalidSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SAMPLE: dict[str, Any] = {
    "is_correct": False,
    "question": "How big?",
    "question_ID": "q-1",
    "ground_truth": "42",
    "history": [
        {"content": "Work it out.", "name": "Manager", "role": "assistant"},
        {"content": "41", "role": "Orchestrator (thought)"},
    ],
    "mistake_agent": "Manager",
    "mistake_step": "1",
    "mistake_reason": "It guessed." * 30,
    "system_prompt": {"A/B Expert": "You know A.", "A B Expert": "You know B.", "odd": 5},
}


@pytest.mark.optional_data
def test_real_runs_keep_every_message_and_label(
    files: Callable[[str], Iterator[Path]], recorded: Callable[..., Any]
) -> None:
    for path in files("who-and-when"):
        raw = json.loads(path.read_bytes())
        (run,) = recorded(path.read_bytes())
        assert run.format == "who-and-when"
        *said, verdict = run.events
        assert {event.kind for event in said} == {"message_added"}
        for event, message in zip(said, raw["history"], strict=True):
            assert event.payload == {**message, "content_length": len(message["content"])}
        assert verdict.kind == "evaluation_result"
        assert verdict.payload["passed"] is raw.get("is_correct", raw.get("is_corrected"))
        for label in ("mistake_agent", "mistake_step", "mistake_reason", "question"):
            assert verdict.payload[label] == raw[label]
        assert run.tags["mistake_agent"] == raw["mistake_agent"]
        assert run.tags["mistake_step"] == raw["mistake_step"]
        assert len(run.spec.get("prompts", ())) == len(raw.get("system_prompt", ()))
        assert run.status is RunStatus.COMPLETED


def test_labels_are_tags_unless_they_are_long(recorded: Callable[..., Any]) -> None:
    (run,) = recorded(SAMPLE)
    assert run.tags == {
        "format": "who-and-when",
        "question_ID": "q-1",
        "is_correct": False,
        "mistake_agent": "Manager",
        "mistake_step": "1",
    }
    payload = run.events[-1].payload
    assert payload["suite"] == "who-and-when"
    assert payload["example_id"] == "q-1"
    assert payload["passed"] is False
    assert payload["mistake_reason"] == "It guessed." * 30
    assert payload["ground_truth"] == "42"


def test_each_agent_has_its_prompt(recorded: Callable[..., Any]) -> None:
    (run,) = recorded(SAMPLE)
    assert run.spec["prompts"] == {
        "prompts/A-B-Expert.md": b"You know A.",
        "prompts/A-B-Expert-2.md": b"You know B.",
    }
    (run,) = recorded({**SAMPLE, "system_prompt": "One for all."})
    assert run.spec["prompts"] == {"prompts/system.md": b"One for all."}
    (run,) = recorded({**SAMPLE, "system_prompt": {"...": "Nameless."}})
    assert run.spec["prompts"] == {"prompts/agent.md": b"Nameless."}


def test_without_a_verdict_there_is_no_evaluation(recorded: Callable[..., Any]) -> None:
    (run,) = recorded({"history": SAMPLE["history"], "mistake_agent": "Manager"})
    assert [event.kind for event in run.events] == ["message_added"] * 2


def test_an_example_without_an_id_is_unknown(recorded: Callable[..., Any]) -> None:
    (run,) = recorded({"history": [], "is_corrected": True})
    assert run.events[0].payload["example_id"] == "unknown"
    assert run.events[0].payload["passed"] is True


@pytest.mark.parametrize("value", [[], {}, {"history": "x"}, None])
def test_what_is_no_who_and_when_file_says_so(value: object, recorded: Callable[..., Any]) -> None:
    with pytest.raises(InvalidSource, match="sample is not who-and-when"):
        recorded(value, "who-and-when")
