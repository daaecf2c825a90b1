"""A process that writes logs at random and tells what was acknowledged.

Run it as ``python -m soak.author ROLE PLACE SAID NAME SEED [STEPS] [DURABILITY]``; all roles
write alike. What an entry says follows from its mark, and marks are never used twice, so who
reads the log later knows what must be there. A line is the author's name, a word, and what
``soak.acknowledged`` reads of it.
"""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

import aivcs
from aivcs import ReleaseMetadata, RunEvent, RunMetadata, RunSummary
from aivcs.errors import TransitionError
from soak.promises import Teller

if TYPE_CHECKING:
    from collections.abc import Callable

    from aivcs.domain.canonical import Json
    from aivcs.repo import Repo

SHARED: Final = "shared"
"""The execution that all authors of one seed write to."""

KIND: Final = "note"
_LONG: Final = 6000
_LONG_ONE_IN: Final = 25
_MOST: Final = 12
WEIGHTS: Final = {
    "append": 8,
    "append_many": 6,
    "append_shared": 6,
    "early": 2,
    "live": 4,
    "end": 1,
    "release": 2,
    "reopen": 1,
}


def said(mark: str, number: int, of: int) -> dict[str, Json]:
    """Return the payload of the entry ``number`` of the ``of`` that one call appended."""
    long = sum(mark.encode()) % _LONG_ONE_IN == number
    return {"mark": mark, "number": number, "of": of, "text": "x" * (_LONG if long else number)}


class Author:
    """One process's work; ``step`` does one thing."""

    def __init__(
        self, place: str, teller: Teller, name: str, dice: Random, durability: str
    ) -> None:
        self._place = place
        self._tell = teller.tell
        self._name = name
        self._dice = dice
        self._durability = durability
        self._marks = count()
        self._steps: list[Callable[[], None]] = [getattr(self, f"_{word}") for word in WEIGHTS]
        self._repo = self._open()
        self._specs = [spec.digest for spec in self._repo.specs.list()]
        self._run = self._begin()

    def step(self) -> None:
        """Do one thing."""
        (step,) = self._dice.choices(self._steps, list(WEIGHTS.values()))
        step()

    def close(self) -> None:
        """Leave the repository."""
        self._repo.close()

    def _open(self) -> Repo:
        return aivcs.open(self._place, self._durability)

    def _mark(self) -> str:
        return f"{self._name}:{next(self._marks)}"

    def _begin(self) -> str:
        run = self._repo.runs.create_run(self._specs[0], RunMetadata(agent_name=self._name))
        self._tell("run", run)
        return str(run)

    def _append(self) -> None:
        mark = self._mark()
        seq = self._repo.runs.append_event(self._run, self._event(mark, 0, 1))
        self._tell("has", self._run, mark, 1, seq)

    def _append_many(self) -> None:
        mark, of = self._mark(), self._dice.randrange(2, _MOST)
        events = [self._event(mark, number, of) for number in range(of)]
        self._tell("has", self._run, mark, of, *self._repo.runs.append_events(self._run, events))

    def _append_shared(self) -> None:
        mark, of = self._mark(), self._dice.randrange(1, _MOST)
        events = [
            {"type": "custom", "event_type": KIND, "data": said(mark, number, of)}
            for number in range(of)
        ]
        first = self._repo.events.append_batch(SHARED, "soak", events)
        self._tell("has", SHARED, mark, of, *range(first, first + of))

    def _early(self) -> None:
        """Append the second of two entries first."""
        last = self._repo.runs.get_run(self._run).total_events
        for seq in (last + 2, last + 1):
            mark = self._mark()
            self._repo.runs.append_event(self._run, self._event(mark, 0, 1, seq))
            self._tell("has", self._run, mark, 1, seq)

    def _live(self) -> None:
        mark, first = self._mark(), 1
        with self._repo.run(spec=self._specs[0], agent=self._name) as run:
            self._tell("run", run.run_id)
            for number in range(self._dice.randrange(1, 40)):
                run.event(KIND, said(mark, number, 0))
                if not self._dice.randrange(8):
                    run.flush()
                    self._tell("has", run.run_id, mark, 0, *range(first, number + 2))
                    first = number + 2
        self._tell("ended", run.run_id, "COMPLETED", number + 1)

    def _end(self) -> None:
        size = self._repo.runs.get_run(self._run).total_events
        ending = self._dice.choice(["complete", "fail", "cancel"])
        status = {"complete": "COMPLETED", "fail": "FAILED", "cancel": "CANCELLED"}[ending]
        summary = RunSummary(size, None, 1, success=ending == "complete")
        getattr(self._repo.runs, f"{ending}_run")(self._run, summary)
        self._tell("ended", self._run, status, size)
        self._run = self._begin()

    def _release(self) -> None:
        releases = self._repo.releases
        if self._dice.randrange(3):
            spec = self._dice.choice(self._specs)
            one = releases.promote("helper", spec, ReleaseMetadata(promoted_by=self._name))
        else:
            try:
                one = releases.rollback("helper", actor=self._name)
            except (TransitionError, LookupError):
                return
        self._tell("release", one.name, one.seq, one.spec_digest)

    def _reopen(self) -> None:
        self.close()
        self._repo = self._open()

    def _event(self, mark: str, number: int, of: int, seq: int | None = None) -> RunEvent:
        return RunEvent(seq=seq, kind=KIND, payload=said(mark, number, of))


def main(_role: str, place: str, told: str, name: str, seed: str, *more: str) -> None:
    """Work for so many steps, or until killed when there is no number or 0."""
    steps = more[0] if more else "0"
    durability = more[1] if more[1:] else "group"
    author = Author(place, Teller(Path(told), name), name, Random(seed), durability)
    for done in count(1):
        author.step()
        if done == int(steps):
            break
    author.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
