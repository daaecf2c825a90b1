"""The event that every store gets: a small tool call, with a number to tell it by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.domain.canonical import Json

KIND: Final = "tool_called"


def payload(number: int) -> dict[str, Json]:
    """Return event ``number``: about 190 bytes of JSON."""
    return {
        "tool_name": "search_direct_flight",
        "call_id": f"call_{number:09d}",
        "arguments": {"origin": "LIS", "destination": "OSL", "date": "2026-05-12", "limit": 10},
        "reason": "the user asked for the earliest one",
    }


def groups(count: int, group: int) -> Iterator[range]:
    """Yield the numbers of ``count`` events in groups."""
    for start in range(0, count, group):
        yield range(start, min(start + group, count))
