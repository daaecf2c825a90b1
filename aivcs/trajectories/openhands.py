"""OpenHands: one run a line, its history a log of actions and observations with causes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.domain.kinds import MESSAGE_ADDED, TOOL_CALLED, TOOL_RETURNED
from aivcs.domain.run import RunStatus
from aivcs.trajectories.agent import describe
from aivcs.trajectories.batches import find_runs
from aivcs.trajectories.messages import text_of
from aivcs.trajectories.transcript import Transcript
from aivcs.trajectories.verdict import add_verdict, only

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aivcs.domain.canonical import Json
    from aivcs.trajectories.batches import Found
    from aivcs.trajectories.model import Recorded
    from aivcs.trajectories.source import Source

FORMAT: Final = "openhands"
_EXPECTED: Final = "lines that are objects with 'history', a list"
_MARKS: Final = ("instance_id", "metadata", "test_result", "instruction")
_SAID: Final = ("message", "system")
_SPEAKERS: Final = {"agent": "assistant"}
_SETTINGS: Final = (
    "agent_class",
    "openhands_version",
    "git_commit",
    "agent_config",
    "condenser_config",
    "max_iterations",
)
# The folder for logs of completions names the task.
_PER_RUN: Final = ("log_completions_folder",)


def recognises(value: Json) -> bool:
    """Say whether this is one run: an object with a history beside what OpenHands writes."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("history"), list)
        and any(key in value for key in _MARKS)
    )


def read(source: Source) -> tuple[Recorded, ...]:
    """Return one run a line; InvalidSource when a line's object has no history."""
    runs = find_runs((f"line {number}", value) for number, value in source.records())
    if not runs or not all(isinstance(run.value.get("history"), list) for run in runs):
        raise source.misfit(FORMAT, _EXPECTED)
    return tuple(_run(index, run) for index, run in enumerate(runs))


def _run(index: int, run: Found) -> Recorded:
    found, out = run.value, Transcript()
    history = found["history"] if isinstance(found["history"], list) else []
    run.keep_before(out)
    for number, (entry, cause) in enumerate(_entries(history)):
        _add_entry(out, entry, cause, f"history entry {number} of {run.where}")
    result, settings = _object(found.get("test_result")), _object(found.get("metadata"))
    resolved = next(
        (
            part.get("resolved")
            for part in (_object(result.get("report")), result)
            if "resolved" in part
        ),
        None,
    )
    if isinstance(resolved, bool):
        example = found.get("instance_id", index)
        add_verdict(out, FORMAT, example, passed=resolved, details={"test_result": dict(result)})
    run.keep_after(out)
    model = _object(settings.get("llm_config"))
    tags: dict[str, Json] = {
        "format": FORMAT,
        **only(found, "instance_id"),
        **only(settings, "agent_class"),
        **only(model, "model"),
        **only(found, "error"),
    }
    if isinstance(resolved, bool):
        tags["resolved"] = resolved
    return out.recorded(
        index,
        FORMAT,
        tags=tags,
        status=RunStatus.COMPLETED if found.get("error") is None else RunStatus.FAILED,
        spec=_spec(history, settings, model),
    )


def _entries(history: Sequence[Json]) -> Iterator[tuple[Json, Json]]:
    """Yield each entry with its cause; older histories are pairs of action and observation."""
    for item in history:
        members = item if isinstance(item, list) else [item]
        caused: Json = None
        for entry in members:
            if isinstance(entry, dict):
                yield entry, entry.get("cause", caused)
                caused = entry.get("id")
            else:
                yield entry, None


def _add_entry(out: Transcript, entry: Json, cause: Json, where: str) -> None:
    if not isinstance(entry, dict):
        out.stray("entry", entry, where)
        return
    when = out.time(entry.get("timestamp"), where, naive_is_utc=True)
    call = _object(entry.get("tool_call_metadata"))
    called, seen = entry.get("action"), entry.get("observation")
    names = {"cause": cause, **only(call, "tool_call_id")}
    function = call.get("function_name")
    if isinstance(called, str) and called in _SAID:
        text = text_of(_object(entry.get("args")).get("content", entry.get("message")))
        role = "system" if called == "system" else entry.get("source")
        role = _SPEAKERS.get(str(role), role)
        out.add(
            MESSAGE_ADDED,
            {"role": role, "content_length": len(text), "cause": cause, **entry},
            when,
        )
    elif isinstance(called, str):
        out.add(TOOL_CALLED, {"tool_name": function or called, **names, **entry}, when)
    elif isinstance(seen, str):
        out.add(TOOL_RETURNED, {"tool_name": function or seen, **names, **entry}, when)
    else:
        out.warn(f"{where} is neither an action nor an observation.")
        out.custom("entry", entry, when)


def _spec(
    history: Sequence[Json], settings: Mapping[str, Json], model: Mapping[str, Json]
) -> dict[str, dict[str, bytes]]:
    prompts: list[str] = []
    tools: Json = None
    config = only(settings, *_SETTINGS)
    for entry, _ in _entries(history):
        if isinstance(entry, dict) and entry.get("action") == "system":
            said = _object(entry.get("args"))
            prompts.append(text_of(said.get("content")))
            tools = tools or said.get("tools")
            config = {**config, **only(said, *_SETTINGS)}
    return describe(
        FORMAT,
        prompts=prompts,
        tools=tools,
        model={key: value for key, value in model.items() if key not in _PER_RUN},
        config=config,
    )


def _object(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}
