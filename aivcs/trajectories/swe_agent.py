"""SWE-agent: a ``.traj`` document of steps, or of the raw history where there are none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.domain.kinds import MESSAGE_ADDED, TOOL_CALLED, TOOL_RETURNED
from aivcs.domain.run import RunStatus
from aivcs.trajectories.agent import describe
from aivcs.trajectories.messages import message_payload, text_of
from aivcs.trajectories.source import strict_loads
from aivcs.trajectories.transcript import Transcript
from aivcs.trajectories.verdict import only

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aivcs.domain.canonical import Json
    from aivcs.trajectories.model import Recorded
    from aivcs.trajectories.source import Source

FORMAT: Final = "swe-agent"
_EXPECTED: Final = "an object with 'trajectory' or 'history', a list"
_RETURNED: Final = ("observation", "execution_time")
_MARKS: Final = ("info", "environment", "replay_config")
_SUBMITTED: Final = "submitted"
_NO_TOOL: Final = "none"


def recognises(value: Json) -> bool:
    """Say whether this is an object with steps or a history, beside what SWE-agent writes."""
    return (
        isinstance(value, dict)
        and any(isinstance(value.get(key), list) for key in ("trajectory", "history"))
        and any(key in value for key in _MARKS)
    )


def read(source: Source) -> tuple[Recorded, ...]:
    """Return the one run; InvalidSource for a document of another form."""
    found = source.document if isinstance(source.document, dict) else {}
    steps, history = found.get("trajectory"), found.get("history")
    if not isinstance(steps, list) and not isinstance(history, list):
        raise source.misfit(FORMAT, _EXPECTED)
    said = history if isinstance(history, list) else []
    out = Transcript()
    if isinstance(steps, list) and steps:
        for number, step in enumerate(steps):
            _add_step(out, step, f"step {number} of {source.name}")
    else:
        _add_history(out, said, source.name)
    info = found.get("info")
    info = info if isinstance(info, dict) else {}
    ended = info.get("exit_status")
    good = ended is None or str(ended).startswith(_SUBMITTED)
    return (
        out.recorded(
            0,
            FORMAT,
            tags={
                "format": FORMAT,
                **only(found, "environment"),
                **only(info, "exit_status", "model_stats"),
            },
            status=RunStatus.COMPLETED if good else RunStatus.FAILED,
            spec=_spec(said, found.get("replay_config")),
        ),
    )


def _add_step(out: Transcript, step: Json, where: str) -> None:
    if not isinstance(step, dict):
        out.stray("step", step, where)
        return
    name = _first_word(step.get("action"))
    called = {key: value for key, value in step.items() if key not in _RETURNED}
    returned = {key: value for key, value in step.items() if key in _RETURNED}
    out.add(TOOL_CALLED, {"tool_name": name, **called})
    out.add(TOOL_RETURNED, {"tool_name": name, **returned})


def _add_history(out: Transcript, history: Sequence[Json], where: str) -> None:
    """Add an assistant's message and the observation that follows it as a pair."""
    pending: str | None = None
    for number, message in enumerate(history):
        called, pending = pending, None
        if not isinstance(message, dict):
            out.stray("message", message, f"message {number} of {where}")
        elif message.get("is_demo"):
            out.add(MESSAGE_ADDED, message_payload(message))
        elif message.get("role") == "assistant":
            pending = _first_word(message.get("action"))
            out.add(TOOL_CALLED, {"tool_name": pending, **message})
        elif called is not None and message.get("role") in ("user", "tool"):
            rest = {key: value for key, value in message.items() if key != "content"}
            observation = message.get("content")
            out.add(TOOL_RETURNED, {"tool_name": called, "observation": observation, **rest})
        else:
            out.add(MESSAGE_ADDED, message_payload(message))


def _first_word(action: Json) -> str:
    words = action.split(maxsplit=1) if isinstance(action, str) else []
    return words[0] if words else _NO_TOOL


def _spec(history: Sequence[Json], replay: Json) -> dict[str, dict[str, bytes]]:
    prompts: list[str] = []
    demonstrations: dict[str, str] = {}
    for message in history:
        if isinstance(message, dict) and (text := text_of(message.get("content"))):
            if message.get("role") == "system":
                prompts.append(text)
            elif message.get("is_demo"):
                demonstrations[f"demonstration-{len(demonstrations) + 1}"] = text
    agent = dict(_agent_of(replay))
    # SWE-agent names the agent after the task it is given.
    agent.pop("name", None)
    tools, model = agent.pop("tools", None), agent.pop("model", None)
    return describe(
        FORMAT,
        prompts=prompts,
        named_prompts=demonstrations,
        tools=tools,
        model=model,
        config={"agent": agent} if agent else {},
    )


def _agent_of(replay: Json) -> Mapping[str, Json]:
    """Return the agent's part of a replay configuration, which newer versions write as text."""
    if isinstance(replay, str):
        try:
            replay = strict_loads(replay)
        except ValueError:
            return {}
    agent = replay.get("agent") if isinstance(replay, dict) else None
    return agent if isinstance(agent, dict) else {}
