"""Tells the format of a source by its content, never by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from aivcs.errors import InvalidSource
from aivcs.trajectories import (
    claude_code,
    jsonl,
    mini_swe_agent,
    mint,
    openhands,
    swe_agent,
    tau_bench,
    who_and_when,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aivcs.domain.canonical import Json
    from aivcs.trajectories.model import Recorded
    from aivcs.trajectories.source import Source

READERS: Final[Mapping[str, Callable[[Source], tuple[Recorded, ...]]]] = {
    tau_bench.FORMAT: tau_bench.read,
    swe_agent.FORMAT: swe_agent.read,
    mini_swe_agent.FORMAT: mini_swe_agent.read,
    openhands.FORMAT: openhands.read,
    who_and_when.FORMAT: who_and_when.read,
    mint.FORMAT: mint.read,
    claude_code.FORMAT: claude_code.read,
    jsonl.FORMAT: jsonl.read,
}
"""How each format is read, by its name."""

_Tests: TypeAlias = "tuple[tuple[str, Callable[[Json], bool]], ...]"
_LINES: Final[_Tests] = (
    (mint.FORMAT, mint.recognises),
    (openhands.FORMAT, openhands.recognises),
    (jsonl.FORMAT, jsonl.recognises),
    (claude_code.FORMAT, claude_code.recognises),
)
# In this order: labels tell a Who&When history from the histories of others.
_DOCUMENTS: Final[_Tests] = (
    (tau_bench.FORMAT, tau_bench.recognises),
    (who_and_when.FORMAT, who_and_when.recognises),
    (swe_agent.FORMAT, swe_agent.recognises),
    (mini_swe_agent.FORMAT, mini_swe_agent.recognises),
    *_LINES,
)


def detect(source: Source) -> str:
    """Return the name of the source's format.

    A document is judged by itself, lines by the first objects among them. Raises
    InvalidSource when nothing fits, and for a line before that which is not JSON.
    """
    tests = _DOCUMENTS if source.whole else _LINES
    for _, value in source.records():
        for name, recognises in tests:
            if recognises(value):
                return name
    msg = f"the format of {source.name} is not known"
    raise InvalidSource(
        msg, hint=f"known formats are {', '.join(READERS)}; name one with --format to hear why not"
    )
