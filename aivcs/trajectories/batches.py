"""Sources of many runs: one run an object, and what stands between them is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aivcs.domain.canonical import Json
    from aivcs.trajectories.transcript import Transcript


@dataclass(frozen=True, slots=True)
class Found:
    """A run's object, where it stands, and the values after it that are no object.

    ``before`` is set at the first run only: what stood in front of it.
    """

    value: dict[str, Json]
    where: str
    before: list[tuple[str, Json]] = field(default_factory=list)
    after: list[tuple[str, Json]] = field(default_factory=list)

    def keep_before(self, out: Transcript) -> None:
        """Keep what stood in front of the run."""
        for where, value in self.before:
            out.stray("entry", value, where)

    def keep_after(self, out: Transcript) -> None:
        """Keep what stood behind the run."""
        for where, value in self.after:
            out.stray("entry", value, where)


def find_runs(records: Iterable[tuple[str, Json]]) -> list[Found]:
    """Return the objects among (where, value) as runs; [] when there is none."""
    runs: list[Found] = []
    early: list[tuple[str, Json]] = []
    for where, value in records:
        if isinstance(value, dict):
            runs.append(Found(value, where, before=[] if runs else early))
        elif runs:
            runs[-1].after.append((where, value))
        else:
            early.append((where, value))
    return runs
