"""Who&When: chats of several agents, labelled with who failed at which step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.trajectories.agent import describe
from aivcs.trajectories.messages import add_messages
from aivcs.trajectories.transcript import Transcript
from aivcs.trajectories.verdict import add_verdict, only

if TYPE_CHECKING:
    from aivcs.domain.canonical import Json
    from aivcs.trajectories.model import Recorded
    from aivcs.trajectories.source import Source

FORMAT: Final = "who-and-when"
_EXPECTED: Final = (
    "an object with 'history', a list of messages, and labels such as 'mistake_agent'"
)
_VERDICTS: Final = ("is_correct", "is_corrected")
_LABELS: Final = ("mistake_agent", "mistake_step", "mistake_reason", "mistake_type", "labels")
_SHORT: Final = ("question_ID", "level", *_VERDICTS, *_LABELS)
_LONGEST_TAG: Final = 200


def recognises(value: Json) -> bool:
    """Say whether this is an object with a history and at least one label."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("history"), list)
        and any(key in value for key in (*_VERDICTS, *_LABELS))
    )


def read(source: Source) -> tuple[Recorded, ...]:
    """Return the one run; InvalidSource for a document of another form."""
    found = source.document
    history = found.get("history") if isinstance(found, dict) else None
    if not isinstance(found, dict) or not isinstance(history, list):
        raise source.misfit(FORMAT, _EXPECTED)
    out = Transcript()
    add_messages(out, history, source.name)
    verdict = next((found[key] for key in _VERDICTS if isinstance(found.get(key), bool)), None)
    if isinstance(verdict, bool):
        details = only(found, "question", "ground_truth", "level", *_VERDICTS, *_LABELS)
        add_verdict(out, FORMAT, found.get("question_ID"), passed=verdict, details=details)
    tags = {key: value for key, value in only(found, *_SHORT).items() if _is_short(value)}
    prompts = found.get("system_prompt")
    named = (
        {name: text for name, text in prompts.items() if isinstance(text, str)}
        if isinstance(prompts, dict)
        else {}
    )
    alone = [prompts] if isinstance(prompts, str) and prompts else []
    return (
        out.recorded(
            0,
            FORMAT,
            tags={"format": FORMAT, **tags},
            spec=describe(FORMAT, prompts=alone, named_prompts=named),
        ),
    )


def _is_short(value: Json) -> bool:
    """Say whether a label fits a tag; longer ones stand in the evaluation event only."""
    return not isinstance(value, str) or len(value) <= _LONGEST_TAG
