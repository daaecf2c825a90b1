"""What reading a source gives: the runs that were found in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from aivcs.domain.canonical import Json
    from aivcs.domain.events import RunEvent
    from aivcs.domain.run import RunStatus

MAX_SOURCE: Final = 256 * 1024 * 1024
"""The longest source in bytes; it is held in memory while it is read."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One run found in a source.

    ``index`` is its place in the source, from 0. ``agent`` is a default name for the agent.
    Events have a seq or a timestamp only where the source gives one. ``status`` says how
    the run ended, not whether it solved its task. ``spec`` is ``{component: {path: bytes}}``
    as the source describes the agent, the same for all runs of one agent; None where it
    says nothing. ``warnings`` are sentences. ``started_at`` and ``ended_at`` are the
    earliest and latest time in the source, None where it has none.
    """

    index: int
    format: str
    agent: str
    events: tuple[RunEvent, ...]
    tags: dict[str, Json]
    status: RunStatus
    spec: dict[str, dict[str, bytes]] | None
    warnings: tuple[str, ...]
    started_at: datetime | None
    ended_at: datetime | None
