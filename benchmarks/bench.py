"""What every scenario gets: where to work, how often, how much, and the other programs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks import corpus
from benchmarks.measure import in_turn
from benchmarks.model import Result

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.measure import Contender
    from benchmarks.model import Bar
    from benchmarks.peers import Peers


@dataclass(frozen=True, slots=True)
class Bench:
    """``scale`` multiplies every count and size; 1.0 is the size the bars are about."""

    scratch: Path
    repeat: int
    scale: float
    peers: Peers
    _made: dict[int, corpus.Corpus] = field(default_factory=dict)

    def scaled(self, count: int) -> int:
        """Return a count or size at this run's scale, at least 16."""
        return max(16, round(count * self.scale))

    def documents(self, count: int, *, files: bool = True) -> corpus.Corpus:
        """Return ``count`` documents (before scaling), written once a run."""
        wanted = self.scaled(count)
        if wanted not in self._made:
            self._made[wanted] = corpus.corpus(self.scratch, wanted, files=files)
        return self._made[wanted]

    def compare(
        self,
        row: int,
        title: str,
        about: str,
        unit: str,
        contenders: Sequence[Contender],
        bars: Sequence[Bar] = (),
    ) -> Result:
        """Measure the contenders in turn and return the result."""
        sides = in_turn(contenders, self.repeat, self.scratch)
        return Result(row, title, about, unit, sides, tuple(bars))
