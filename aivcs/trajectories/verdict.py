"""What a benchmark said of a run: an ``evaluation_result`` at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aivcs.domain.kinds import EVALUATION_RESULT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aivcs.domain.canonical import Json
    from aivcs.trajectories.transcript import Transcript


def add_verdict(
    out: Transcript, suite: str, example: Json, *, passed: bool, details: Mapping[str, Json]
) -> None:
    """Add the verdict; ``details`` are further fields, such as score, trial and labels.

    ``example_id`` is always text, "unknown" where the source names no example.
    """
    example_id = "unknown" if example is None else str(example)
    fields: dict[str, Json] = {"suite": suite, "example_id": example_id, "passed": passed}
    out.add(EVALUATION_RESULT, {**fields, **details, **fields})


def only(found: Mapping[str, Json], *names: str) -> dict[str, Json]:
    """Return those of the named entries that are there and not null, in the order named."""
    return {name: found[name] for name in names if found.get(name) is not None}
