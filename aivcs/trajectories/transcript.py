"""Collects what one run of a source becomes: events, warnings, times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aivcs.domain import kinds, moment
from aivcs.domain.events import RunEvent
from aivcs.domain.run import RunStatus
from aivcs.errors import InvalidInputError
from aivcs.trajectories.model import Recorded

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from aivcs.domain.canonical import Json


class Transcript:
    """The events of one run in the order of its source."""

    def __init__(self) -> None:
        """Begin without events."""
        self.warnings: list[str] = []
        self._events: list[RunEvent] = []

    def append(self, event: RunEvent) -> None:
        """Add an event that the source gives as such."""
        self._events.append(event)

    def add(self, kind: str, payload: Mapping[str, Json], when: datetime | None = None) -> None:
        """Add an event of a known kind."""
        self.append(RunEvent(None, kind, payload, when))

    def custom(self, event_type: str, data: Json, when: datetime | None = None) -> None:
        """Keep something that has no kind of its own."""
        self.add(kinds.CUSTOM, {"event_type": event_type, "data": data}, when)

    def stray(self, event_type: str, data: Json, where: str) -> None:
        """Keep something that stands where an object was expected, and warn."""
        self.warn(f"{where} is not an object; it is kept as a custom event.")
        self.custom(event_type, data)

    def warn(self, sentence: str) -> None:
        """Add a warning."""
        self.warnings.append(sentence[:1].upper() + sentence[1:])

    def time(self, value: object, where: str, *, naive_is_utc: bool = False) -> datetime | None:
        """Return the time of an entry: None without one, and with a warning where it is bad."""
        if value is None:
            return None
        try:
            return moment.parse(str(value), naive_is_utc=naive_is_utc)
        except InvalidInputError:
            self.warn(f"{where} has a timestamp that is no time: {str(value)[:80]!r}.")
            return None

    def recorded(
        self,
        index: int,
        format_name: str,
        *,
        tags: dict[str, Json],
        agent: str | None = None,
        status: RunStatus = RunStatus.COMPLETED,
        spec: dict[str, dict[str, bytes]] | None = None,
    ) -> Recorded:
        """Return the run; the agent is named after the format unless said."""
        if not self._events:
            self.warn("The run has no events.")
        times = [event.timestamp for event in self._events if event.timestamp is not None]
        return Recorded(
            index=index,
            format=format_name,
            agent=agent or format_name,
            events=tuple(self._events),
            tags=tags,
            status=status,
            spec=spec,
            warnings=tuple(self.warnings),
            started_at=min(times, default=None),
            ended_at=max(times, default=None),
        )
