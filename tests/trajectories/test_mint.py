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

CHAT: list[Any] = [{"role": "user", "content": "Add."}, {"role": "assistant", "content": "3"}]
TASK = {"task_name": "reasoning", "task_id": "0", "prompt": "1 + 2", "reference": "3"}
STATE = {"history": CHAT, "success": True, "terminate_reason": "task_success", "error": None}
EPISODE = {"state": STATE, "task": TASK}


@pytest.mark.optional_data
def test_real_episodes_keep_every_message_and_the_verdict(
    files: Callable[[str], Iterator[Path]], recorded: Callable[..., Any]
) -> None:
    for path in files("mint-bench"):
        raw = [json.loads(line) for line in path.read_bytes().splitlines()]
        runs = recorded(path.read_bytes())
        assert len(runs) == len(raw)
        for run, source in zip(runs, raw, strict=True):
            kinds = Counter(event.kind for event in run.events)
            assert kinds["message_added"] == len(source["state"]["history"])
            assert run.format == "mint"
            assert run.events[-1].payload["passed"] is source["state"]["success"]
            assert not run.warnings
        examples = {run.events[-1].payload["example_id"] for run in runs}
        assert len(examples) == len(runs)


def test_what_an_episode_becomes(recorded: Callable[..., Any]) -> None:
    (run,) = recorded(EPISODE)
    assert [event.kind for event in run.events] == ["message_added"] * 2 + ["evaluation_result"]
    assert run.events[-1].payload == {
        "suite": "mint",
        "example_id": "reasoning/0/6212702c",
        "passed": True,
        "terminate_reason": "task_success",
        "task": TASK,
    }
    assert run.tags == {"format": "mint", "example_id": "reasoning/0/6212702c", "success": True}
    assert run.status is RunStatus.COMPLETED


def test_tasks_of_two_data_sets_are_two_examples(recorded: Callable[..., Any]) -> None:
    other = {**EPISODE, "task": {**TASK, "prompt": "2 + 2"}}
    lines = "\n".join(map(json.dumps, [EPISODE, other]))
    one, two = (run.tags["example_id"] for run in recorded(lines))
    assert one != two


def test_an_episode_without_a_verdict_or_with_an_error(recorded: Callable[..., Any]) -> None:
    (run,) = recorded({"state": {"history": [], "error": "cut off"}, "task": {}})
    assert (run.status, run.events) == (RunStatus.FAILED, ())


@pytest.mark.parametrize("value", [5, {}, {"state": {"history": []}}, {"state": 1, "task": {}}])
def test_what_is_no_episode_says_so(value: object, recorded: Callable[..., Any]) -> None:
    with pytest.raises(InvalidSource, match=r"sample is not mint: expected .* found "):
        recorded(value, "mint")
