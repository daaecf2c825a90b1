"""Where the ways of two runs through their graphs part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aivcs.domain.canonical import Json
    from aivcs.domain.events import RunEvent

_NAMED_BY: Final = {"node_entered": "node_id", "step_started": "name"}


@dataclass(frozen=True, slots=True)
class NodeStep:
    """A node that was entered; a step of an execution goes by its name."""

    seq: int
    node_id: str

    def to_dict(self) -> dict[str, Json]:
        """Return it as JSON."""
        return {"seq": self.seq, "node_id": self.node_id}


@dataclass(frozen=True, slots=True)
class NodeDivergence:
    """What two ways have in common from the start, and how each goes on."""

    common_prefix: tuple[str, ...]
    tail_a: tuple[NodeStep, ...]
    tail_b: tuple[NodeStep, ...]

    def to_dict(self) -> dict[str, Json]:
        """Return it as JSON."""
        return {
            "common_prefix": self.common_prefix,
            "tail_a": [step.to_dict() for step in self.tail_a],
            "tail_b": [step.to_dict() for step in self.tail_b],
        }


def node_path(events: Iterable[RunEvent]) -> list[NodeStep]:
    """Return the nodes a run entered, in order; one that is not named in text is passed over."""
    path: list[NodeStep] = []
    for place, event in enumerate(events, 1):
        name = _NAMED_BY.get(event.kind)
        if name is not None and isinstance(event.payload, dict):
            node = event.payload.get(name)
            if isinstance(node, str):
                path.append(NodeStep(place if event.seq is None else event.seq, node))
    return path


def compare_node_paths(a: Sequence[NodeStep], b: Sequence[NodeStep]) -> NodeDivergence | None:
    """Return where two ways part; None when they are the same."""
    common = 0
    while common < min(len(a), len(b)) and a[common].node_id == b[common].node_id:
        common += 1
    if common == len(a) == len(b):
        return None
    prefix = tuple(step.node_id for step in a[:common])
    return NodeDivergence(prefix, tuple(a[common:]), tuple(b[common:]))
