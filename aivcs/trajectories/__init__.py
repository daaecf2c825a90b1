"""Records of real agent runs, in the formats their makers write, become events.

Bytes in, values out: nothing here reads a file, a clock or a database.
"""

from __future__ import annotations

from typing import Final

from aivcs.errors import InvalidSource
from aivcs.trajectories.model import MAX_SOURCE, Recorded

__all__ = ["AUTO", "FORMATS", "MAX_SOURCE", "Recorded", "read"]

AUTO: Final = "auto"
FORMATS: Final[tuple[str, ...]] = (
    "tau-bench",
    "swe-agent",
    "mini-swe-agent",
    "openhands",
    "who-and-when",
    "mint",
    "claude-code",
    "jsonl",
)
"""The names of the formats, besides ``auto``."""


def read(
    data: bytes,
    format: str = AUTO,  # noqa: A002 - the word the command line and the records use
    *,
    name: str = "input",
) -> tuple[Recorded, ...]:
    """Return the runs that ``data`` holds, at least one, in the order of the source.

    ``format`` is one of FORMATS, or ``auto`` to recognise it by its content. ``name`` is
    how messages call the source. Raises InvalidSource when the data is empty, too long,
    binary, not UTF-8, not JSON, nested too deeply, of no known format or not of the named
    one; messages name the line, or the run and its event.
    """
    if format != AUTO and format not in FORMATS:
        msg = f"unknown format: {format!r}"
        raise InvalidSource(msg, hint=f"use {AUTO}, {', '.join(FORMATS)}")
    from aivcs.trajectories.detect import READERS, detect
    from aivcs.trajectories.source import open_source

    source = open_source(data, name)
    found = READERS[detect(source) if format == AUTO else format](source)
    for run in found:
        _check_depth(run, name)
    return found


def _check_depth(run: Recorded, name: str) -> None:
    from aivcs.domain.strictjson import MAX_DEPTH, is_deeper

    for number, event in enumerate(run.events, 1):
        if is_deeper(event.payload, MAX_DEPTH):
            msg = f"event {number} of run {run.index} of {name} is nested too deeply"
            hint = f"an event holds up to {MAX_DEPTH} lists and objects inside one another"
            raise InvalidSource(msg, hint=hint)
