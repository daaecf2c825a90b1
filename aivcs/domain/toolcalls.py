"""How the tool calls of two runs differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from aivcs.domain.alignment import align
from aivcs.domain.behaviour import IDENTITIES, MEASURED
from aivcs.domain.jsondelta import deltas
from aivcs.domain.kinds import TOOL_CALLED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aivcs.domain.canonical import Json
    from aivcs.domain.events import RunEvent
    from aivcs.domain.jsondelta import Delta

TOOL_CALLS: Final = frozenset({TOOL_CALLED, "tool_call_started"})


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call; ``params`` is its payload without made-up ids and measured times."""

    seq: int
    tool_name: str
    params: Json

    def to_dict(self) -> dict[str, Json]:
        """Return it as JSON."""
        return {"seq": self.seq, "tool_name": self.tool_name, "params": self.params}


@dataclass(frozen=True, slots=True)
class Added:
    """A call that only the second run has."""

    call: ToolCall

    def to_dict(self) -> dict[str, Json]:
        """Return it as JSON."""
        return {"change": "added", "call": self.call.to_dict()}


@dataclass(frozen=True, slots=True)
class Removed:
    """A call that only the first run has."""

    call: ToolCall

    def to_dict(self) -> dict[str, Json]:
        """Return it as JSON."""
        return {"change": "removed", "call": self.call.to_dict()}


@dataclass(frozen=True, slots=True)
class Reordered:
    """A call that both have, among others; as the second run has it. Places are from 0."""

    call: ToolCall
    from_index: int
    to_index: int

    def to_dict(self) -> dict[str, Json]:
        """Return it as JSON."""
        return {
            "change": "reordered",
            "call": self.call.to_dict(),
            "from_index": self.from_index,
            "to_index": self.to_index,
        }


@dataclass(frozen=True, slots=True)
class ParamChanged:
    """A call that both have, with other parameters; pointers lead into ``params``."""

    tool_name: str
    seq_a: int
    seq_b: int
    deltas: tuple[Delta, ...]

    def to_dict(self) -> dict[str, Json]:
        """Return it as JSON."""
        return {
            "change": "param_changed",
            "tool_name": self.tool_name,
            "seq_a": self.seq_a,
            "seq_b": self.seq_b,
            "deltas": [delta.to_dict() for delta in self.deltas],
        }


ToolChange: TypeAlias = Added | Removed | Reordered | ParamChanged


def tool_calls(events: Iterable[RunEvent]) -> list[ToolCall]:
    """Return the calls among a run's events; one that names no tool in text is passed over."""
    calls: list[ToolCall] = []
    for place, event in enumerate(events, 1):
        if event.kind not in TOOL_CALLS or not isinstance(event.payload, dict):
            continue
        name = event.payload.get("tool_name")
        if isinstance(name, str):
            seq = place if event.seq is None else event.seq
            params = {
                key: value
                for key, value in event.payload.items()
                if key not in MEASURED and key not in IDENTITIES
            }
            calls.append(ToolCall(seq, name, params))
    return calls


def compare_tool_calls(a: Sequence[ToolCall], b: Sequence[ToolCall]) -> tuple[ToolChange, ...]:
    """Return what changed from ``a`` to ``b``, aligned by the tools' names.

    First what changed in calls that are aligned; then, in the order of ``a``, calls that
    moved (with their changes) or are gone; then, in the order of ``b``, those that are new.
    """
    aligned = align([call.tool_name for call in a], [call.tool_name for call in b])
    changes: list[ToolChange] = []
    for one, other in aligned:
        changes += _changed(a[one], b[other])
    stayed_a, stayed_b = {one for one, _ in aligned}, {other for _, other in aligned}
    waiting: dict[str, list[int]] = {}
    for place in range(len(b) - 1, -1, -1):
        if place not in stayed_b:
            waiting.setdefault(b[place].tool_name, []).append(place)
    moved: set[int] = set()
    for place, call in enumerate(a):
        if place in stayed_a:
            continue
        if targets := waiting.get(call.tool_name):
            target = targets.pop()
            moved.add(target)
            changes.append(Reordered(b[target], place, target))
            changes += _changed(call, b[target])
        else:
            changes.append(Removed(call))
    return (
        *changes,
        *(
            Added(call)
            for place, call in enumerate(b)
            if place not in stayed_b and place not in moved
        ),
    )


def _changed(one: ToolCall, other: ToolCall) -> list[ToolChange]:
    found = deltas(one.params, other.params)
    return [ParamChanged(one.tool_name, one.seq, other.seq, found)] if found else []
