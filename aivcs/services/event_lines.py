"""Lines of the events file as events of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.domain.kinds import CUSTOM
from aivcs.errors import InvalidInputError
from aivcs.services.gathering import readable
from aivcs.trajectories.jsonl import read_event_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from aivcs.domain.canonical import Json
    from aivcs.domain.observation import EventLine
    from aivcs.services.live import LiveRun

_SPOKEN: Final = 10


class EventLines:
    """Records event lines in the order they come.

    The run has other events too, so a ``seq`` in a line does not place it: only numbers
    that do not increase are noted, as a ``custom`` event before the line's own. A line
    that is no event becomes a ``custom`` event that holds it. ``warn`` is told of the
    first ten such lines, and of how many followed.
    """

    def __init__(self, live: LiveRun, warn: Callable[[str], None]) -> None:
        self._live = live
        self._warn = warn
        self._last_seq = 0
        self._complaints = 0

    def record(self, seen: EventLine) -> None:
        """Record one line. Raises InvalidRunState, StorageError."""
        if not seen.whole:
            self._refuse(seen, "the line is too long")
            return
        try:
            event = read_event_line(seen.line)
            if event.seq is not None:
                self._check_order(seen.number, event.seq)
            self._live.event(event.kind, event.payload, timestamp=event.timestamp)
        except InvalidInputError as error:
            self._refuse(seen, error.message)

    def finish(self) -> None:
        """Say how many lines were wrong beyond those that were named."""
        if self._complaints > _SPOKEN:
            self._warn(f"{self._complaints - _SPOKEN} more event lines were wrong")

    def _check_order(self, number: int, seq: int) -> None:
        if seq <= self._last_seq:
            data: dict[str, Json] = {"line": number, "seq": seq, "previous": self._last_seq}
            self._live.event(CUSTOM, {"event_type": "event_seq_not_increasing", "data": data})
            self._complain(f"event line {number} has seq {seq} after seq {self._last_seq}")
        self._last_seq = seq

    def _refuse(self, seen: EventLine, error: str) -> None:
        data: dict[str, Json] = {"line": seen.number, **readable(seen.line), "error": error}
        self._live.event(CUSTOM, {"event_type": "invalid_event_line", "data": data})
        self._complain(f"event line {seen.number} is kept as a custom event: {error}")

    def _complain(self, text: str) -> None:
        self._complaints += 1
        if self._complaints <= _SPOKEN:
            self._warn(text)
