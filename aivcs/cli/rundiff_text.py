"""How a person reads in what two runs differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aivcs.cli import output
from aivcs.domain.toolcalls import Added, ParamChanged, Removed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aivcs.domain.events import RunEvent
    from aivcs.domain.jsondelta import Delta
    from aivcs.domain.nodepaths import NodeDivergence, NodeStep
    from aivcs.domain.rundiff import Divergence, RunDiff
    from aivcs.domain.toolcalls import ToolChange


def lines(found: RunDiff) -> Iterator[str]:
    """Yield what differs, by part; nothing for what does not."""
    if found.divergence is not None:
        yield from _divergence(found.divergence)
    yield from _part("tool calls", (line for one in found.tool_calls for line in _call(one)))
    if found.nodes is not None:
        yield from _part("nodes", _nodes(found.nodes))
    yield from _part("state", map(_delta, found.state))
    pairs = ((one.name, one.before, one.after) for one in found.metrics)
    yield from _part("metrics", (_change(name, old, new) for name, old, new in pairs))


def _part(heading: str, found: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(found):
        if number == 0:
            yield f"{heading}:"
        yield output.clip(f"  {line}")


def _divergence(found: Divergence) -> Iterator[str]:
    yield f"first difference: event {found.index + 1}"
    yield output.clip(f"  a: {_event(found.a)}")
    yield output.clip(f"  b: {_event(found.b)}")
    for delta in found.deltas:
        yield output.clip(f"  {_delta(delta)}")


def _event(event: RunEvent | None) -> str:
    return "no more events" if event is None else f"{event.kind} {output.json_text(event.payload)}"


def _call(change: ToolChange) -> Iterator[str]:
    match change:
        case Added():
            yield f"+ {change.call.tool_name} {output.json_text(change.call.params)}"
        case Removed():
            yield f"- {change.call.tool_name} {output.json_text(change.call.params)}"
        case ParamChanged():
            yield f"~ {change.tool_name} (event {change.seq_a} in a, {change.seq_b} in b)"
            for delta in change.deltas:
                yield f"    {_delta(delta)}"
        case _:
            places = f"from call {change.from_index + 1} to call {change.to_index + 1}"
            yield f"> {change.call.tool_name} {places}"


def _nodes(found: NodeDivergence) -> Iterator[str]:
    yield f"both: {_way(found.common_prefix)}"
    yield f"a: {_way(_names(found.tail_a))}"
    yield f"b: {_way(_names(found.tail_b))}"


def _names(steps: Iterable[NodeStep]) -> list[str]:
    return [step.node_id for step in steps]


def _way(names: Iterable[str]) -> str:
    return " > ".join(names) or "-"


def _delta(delta: Delta) -> str:
    return _change(delta.pointer or "/", delta.before, delta.after)


def _change(name: str, before: object, after: object) -> str:
    return f"{name}: {output.json_text(before)} -> {output.json_text(after)}"
