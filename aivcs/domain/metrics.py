"""Numbers that say how a run went, and how those of two runs differ."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aivcs.domain.fields import NUMBER
from aivcs.domain.kinds import CHECKPOINT_SAVED, EVALUATION_RESULT, MESSAGE_ADDED
from aivcs.domain.toolcalls import TOOL_CALLS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aivcs.domain.canonical import Json
    from aivcs.domain.events import RunEvent
    from aivcs.domain.run import RunRecord

_COUNTED: Final = {
    **dict.fromkeys(TOOL_CALLS, "tool_calls"),
    "tool_failed": "tool_failures",
    "node_entered": "nodes",
    "node_failed": "node_failures",
    "step_started": "steps",
    "step_failed": "step_failures",
    MESSAGE_ADDED: "messages",
    CHECKPOINT_SAVED: "checkpoints",
    EVALUATION_RESULT: "evaluations",
}


@dataclass(frozen=True, slots=True)
class MetricDelta:
    """A metric that differs; None where a run does not have it."""

    name: str
    before: float | str | None
    after: float | str | None

    def to_dict(self) -> dict[str, Json]:
        """Return it as JSON."""
        return {"name": self.name, "before": self.before, "after": self.after}


def metrics(record: RunRecord, events: Iterable[RunEvent]) -> dict[str, float | str]:
    """Return a run's status, size, duration (ms, once it has ended) and counts by kind.

    ``passed`` counts the evaluations that passed, ``score`` is the mean of their scores.
    """
    counts: Counter[str] = Counter()
    scores: list[float] = []
    for event in events:
        counts["events"] += 1
        if name := _COUNTED.get(event.kind):
            counts[name] += 1
        if event.kind == EVALUATION_RESULT and isinstance(event.payload, dict):
            counts["passed"] += event.payload.get("passed") is True
            score = event.payload.get("score")
            if isinstance(score, int | float) and NUMBER.fits(score):
                scores.append(score)
    found: dict[str, float | str] = {"status": record.status.value, **counts}
    if record.summary is not None:
        found["duration_ms"] = record.summary.duration_ms
    if scores:
        found["score"] = sum(scores) / len(scores)
    return found


def compare_metrics(
    a: Mapping[str, float | str], b: Mapping[str, float | str]
) -> tuple[MetricDelta, ...]:
    """Return the metrics that differ, by name."""
    return tuple(
        MetricDelta(name, a.get(name), b.get(name))
        for name in sorted({*a, *b})
        if a.get(name) != b.get(name)
    )
