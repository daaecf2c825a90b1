"""mini-swe-agent: a list of messages, or an object that has one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.domain.run import RunStatus
from aivcs.trajectories.agent import describe
from aivcs.trajectories.messages import add_messages, prompts_of
from aivcs.trajectories.transcript import Transcript
from aivcs.trajectories.verdict import only

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aivcs.domain.canonical import Json
    from aivcs.trajectories.model import Recorded
    from aivcs.trajectories.source import Source

FORMAT: Final = "mini-swe-agent"
_EXPECTED: Final = "a list of messages, or an object with 'messages'"
_SUBMITTED: Final = "Submitted"


def recognises(value: Json) -> bool:
    """Say whether this is a list of messages, or an object that has one and names its origin."""
    if isinstance(value, list):
        first = next((item for item in value if isinstance(item, dict)), {})
        return "role" in first
    return (
        isinstance(value, dict)
        and isinstance(value.get("messages"), list)
        and ("info" in value or "trajectory_format" in value)
    )


def read(source: Source) -> tuple[Recorded, ...]:
    """Return the one run; InvalidSource for a document of another form."""
    document = source.document
    about: Mapping[str, Json] = {}
    messages: Json = document
    if isinstance(document, dict):
        about, messages = document, document.get("messages")
    if not isinstance(messages, list):
        raise source.misfit(FORMAT, _EXPECTED)
    out = Transcript()
    add_messages(out, messages, source.name)
    info = _object(about.get("info"))
    if "exit_status" not in info and messages:
        info = {**info, **only(_object(_object(messages[-1]).get("extra")), "exit_status")}
    status = info.get("exit_status")
    config = _object(info.get("config"))
    return (
        out.recorded(
            0,
            FORMAT,
            tags={
                "format": FORMAT,
                **only(about, "instance_id", "trajectory_format"),
                **only(info, "exit_status", "model_stats"),
            },
            status=RunStatus.COMPLETED if status in (None, _SUBMITTED) else RunStatus.FAILED,
            spec=describe(
                FORMAT,
                prompts=prompts_of(messages),
                model=config.get("model"),
                config={**only(info, "mini_version"), **only(config, "agent")},
            ),
        ),
    )


def _object(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}
