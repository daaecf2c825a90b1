"""How two runs differ: where first, in their tool calls, ways, states and metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aivcs.domain.behaviour import Behaviour
from aivcs.domain.jsondelta import deltas, same
from aivcs.domain.kinds import CHECKPOINT_SAVED
from aivcs.domain.metrics import compare_metrics, metrics
from aivcs.domain.nodepaths import compare_node_paths, node_path
from aivcs.domain.toolcalls import compare_tool_calls, tool_calls

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aivcs.domain.canonical import Json
    from aivcs.domain.events import RunEvent
    from aivcs.domain.jsondelta import Delta
    from aivcs.domain.metrics import MetricDelta
    from aivcs.domain.nodepaths import NodeDivergence
    from aivcs.domain.run import RunRecord
    from aivcs.domain.toolcalls import ToolChange


@dataclass(frozen=True, slots=True)
class RunSide:
    """One of two runs. Without a ``state`` its last checkpoint's payload stands for it."""

    record: RunRecord
    events: Sequence[RunEvent]
    state: Json = None


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first events that do not say the same; None is a run that has ended by then.

    ``index`` is from 0. ``deltas`` lead into the payload where both are of one kind. Times,
    seqs and made-up ids are no difference.
    """

    index: int
    a: RunEvent | None
    b: RunEvent | None
    deltas: tuple[Delta, ...]

    def to_dict(self) -> dict[str, Json]:
        """Return it as JSON."""
        return {
            "index": self.index,
            "a": _shown(self.a),
            "b": _shown(self.b),
            "deltas": [delta.to_dict() for delta in self.deltas],
        }


@dataclass(frozen=True, slots=True)
class RunDiff:
    """Everything in which run ``b`` differs from run ``a``."""

    a: str
    b: str
    divergence: Divergence | None
    tool_calls: tuple[ToolChange, ...]
    nodes: NodeDivergence | None
    state: tuple[Delta, ...]
    metrics: tuple[MetricDelta, ...]

    def to_dict(self) -> dict[str, Json]:
        """Return it as JSON."""
        return {
            "a": self.a,
            "b": self.b,
            "divergence": None if self.divergence is None else self.divergence.to_dict(),
            "tool_calls": [change.to_dict() for change in self.tool_calls],
            "nodes": None if self.nodes is None else self.nodes.to_dict(),
            "state": [delta.to_dict() for delta in self.state],
            "metrics": [delta.to_dict() for delta in self.metrics],
        }


def diff_runs(a: RunSide, b: RunSide, pointers: Sequence[str] | None = None) -> RunDiff:
    """Compare two runs.

    ``pointers`` (RFC 6901) say which parts of the states are compared, by default every
    part. InvalidInputError for a text that is no JSON pointer.
    """
    return RunDiff(
        a=str(a.record.run_id),
        b=str(b.record.run_id),
        divergence=first_divergence(a.events, b.events),
        tool_calls=compare_tool_calls(tool_calls(a.events), tool_calls(b.events)),
        nodes=compare_node_paths(node_path(a.events), node_path(b.events)),
        state=deltas(_state(a), _state(b), pointers),
        metrics=compare_metrics(metrics(a.record, a.events), metrics(b.record, b.events)),
    )


def first_divergence(a: Iterable[RunEvent], b: Iterable[RunEvent]) -> Divergence | None:
    """Return where two runs begin to differ in what they say; None when they never do.

    It is None exactly when the behaviour digests of both are equal.
    """
    said_a, said_b = Behaviour(), Behaviour()
    rest_a, rest_b = iter(a), iter(b)
    index = 0
    while True:
        one, other = next(rest_a, None), next(rest_b, None)
        if one is None or other is None:
            return None if one is other else Divergence(index, one, other, ())
        before, after = said_a.of(one), said_b.of(other)
        if one.kind != other.kind:
            return Divergence(index, one, other, ())
        if not same(before, after):
            return Divergence(index, one, other, deltas(before, after))
        index += 1


def _state(side: RunSide) -> Json:
    if side.state is not None:
        return side.state
    saved = (event.payload for event in reversed(side.events) if event.kind == CHECKPOINT_SAVED)
    return next(saved, None)


def _shown(event: RunEvent | None) -> Json:
    if event is None:
        return None
    return {"seq": event.seq, "kind": event.kind, "payload": event.payload}
