"""MINT: one episode a line, its chat and whether the task was solved under ``state``."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

from aivcs.domain.run import RunStatus
from aivcs.trajectories.agent import describe
from aivcs.trajectories.batches import find_runs
from aivcs.trajectories.messages import add_messages
from aivcs.trajectories.transcript import Transcript
from aivcs.trajectories.verdict import add_verdict, only

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aivcs.domain.canonical import Json
    from aivcs.trajectories.batches import Found
    from aivcs.trajectories.model import Recorded
    from aivcs.trajectories.source import Source

FORMAT: Final = "mint"
_EXPECTED: Final = "lines that are objects with 'task' and a 'state' that has a 'history'"
_DETAILS: Final = ("terminate_reason", "agent_action_count", "token_counter")
_SHORT: Final = 8


def recognises(value: Json) -> bool:
    """Say whether this is one episode."""
    return isinstance(value, dict) and isinstance(value.get("task"), dict) and _has_chat(value)


def read(source: Source) -> tuple[Recorded, ...]:
    """Return one run a line; InvalidSource when a line's object is no episode."""
    runs = find_runs((f"line {number}", value) for number, value in source.records())
    if not runs or not all(recognises(run.value) for run in runs):
        raise source.misfit(FORMAT, _EXPECTED)
    return tuple(_run(index, run) for index, run in enumerate(runs))


def _run(index: int, run: Found) -> Recorded:
    state, task = _object(run.value["state"]), _object(run.value["task"])
    chat = state["history"]
    out = Transcript()
    run.keep_before(out)
    add_messages(out, chat if isinstance(chat, list) else (), run.where)
    solved, example = state.get("success"), _example(task)
    if isinstance(solved, bool):
        details = {**only(state, *_DETAILS), "task": dict(task)}
        add_verdict(out, FORMAT, example, passed=solved, details=details)
    run.keep_after(out)
    return out.recorded(
        index,
        FORMAT,
        tags={"format": FORMAT, "example_id": example, **only(state, "success")},
        status=RunStatus.COMPLETED if state.get("error") is None else RunStatus.FAILED,
        spec=describe(FORMAT),
    )


def _example(task: Mapping[str, Json]) -> str:
    """Name a task by its words too: the ids of several data sets are the same numbers."""
    words = sha256(str(task.get("prompt")).encode("utf-8", "surrogatepass")).hexdigest()
    return f"{task.get('task_name')}/{task.get('task_id')}/{words[:_SHORT]}"


def _has_chat(value: Mapping[str, Json]) -> bool:
    return isinstance(_object(value.get("state")).get("history"), list)


def _object(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}
