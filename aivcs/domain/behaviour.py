"""What an event says apart from when it was said and from ids that are new in each run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.domain.kinds import FIELDS

if TYPE_CHECKING:
    from aivcs.domain.canonical import Json
    from aivcs.domain.events import RunEvent

MEASURED: Final = frozenset({"duration_ms", "occurred_at"})
IDENTITIES: Final = {
    "tool_call_id": "call",
    "step_id": "step",
    "parent_step_id": "step",
    "discovered_by": "step",
}
"""Fields that hold ids made up in each run, and what they are ids of."""

_ERROR: Final = "error"


class Behaviour:
    """Reads the events of one run, in order.

    Of the registry's kinds it leaves out what a clock measured, and replaces the ids of
    steps and calls by the number of their first appearance. Other payloads stay as they are.
    """

    def __init__(self) -> None:
        """Begin before the first event."""
        self._seen: dict[tuple[str, str], str] = {}

    def of(self, event: RunEvent) -> Json:
        """Return what the next event says: its payload, bare of times and made-up ids."""
        payload = event.payload
        if event.kind not in FIELDS or not isinstance(payload, dict):
            return payload
        said = self._bare(payload)
        if isinstance(error := said.get(_ERROR), dict):
            said[_ERROR] = self._bare(error)
        return said

    def _bare(self, fields: dict[str, Json]) -> dict[str, Json]:
        return {
            name: self._numbered(name, value)
            for name, value in fields.items()
            if name not in MEASURED
        }

    def _numbered(self, name: str, value: Json) -> Json:
        of = IDENTITIES.get(name)
        if of is None or not isinstance(value, str):
            return value
        return self._seen.setdefault((of, value), f"{of} {len(self._seen) + 1}")
