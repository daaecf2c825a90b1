"""Eight processes on one repository, killed and started again at random."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

import aivcs
from aivcs.testing.aftermath import damage, leftovers, surveyed, unreadable
from soak.promises import hear
from soak.result import Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROLES: Final = ("writer",) * 6 + ("sealer", "collector")
_MEAN_LIFE_SECONDS: Final = 4.0
_MIN_LIFE_SECONDS: Final = 0.2
_TICK_SECONDS: Final = 0.05
_MOST_SHOWN: Final = 20


@dataclass(slots=True)
class Member:
    """One process, the file it tells its promises to, and how long it is to live.

    Its life begins when the file is there; ``began`` is that moment.
    """

    process: subprocess.Popen[str]
    said: Path
    life: float
    began: float | None = None

    def ends(self) -> bool:
        """Tell whether it has ended or is to be killed now."""
        now = time.monotonic()
        if self.began is None and self.said.exists():
            self.began = now
        old = self.began is not None and now > self.began + self.life
        return old or self.process.poll() is not None


class Crew:
    """Starts the members in ``folder`` and kills them; each has a new name each time."""

    def __init__(self, folder: Path, seed: int, durability: str) -> None:
        self._folder = folder
        self._place = folder / "repository"
        self._dice = Random(seed)
        self._durability = durability
        self._numbers = count(1)
        self._members: dict[int, Member] = {}
        self._tally: dict[Path, tuple[int, int]] = {}
        self.kills = 0
        self.wrong: list[str] = []
        self.ended: list[Path] = []
        with aivcs.init(self._place) as repo:
            components = {"prompts": {"system.md": "Be helpful."}}
            repo.specs.add({"name": "first", "components": components})

    def work(self, enough: Callable[[], bool]) -> None:
        """Keep all members at work until it is enough, then kill the last of them."""
        try:
            while not enough():
                self._tend()
                time.sleep(_TICK_SECONDS)
        finally:
            for member in self._members.values():
                self._end(member)

    def lines(self) -> Iterator[str]:
        """Yield what the processes that have ended told."""
        for path in self.ended:
            yield from path.read_text().splitlines(keepends=True) if path.exists() else ()

    def steps(self) -> int:
        """Return how many lines have been told so far."""
        for path in self._folder.glob("*.said"):
            seen, lines = self._tally.get(path, (0, 0))
            with path.open("rb") as file:
                file.seek(seen)
                new = file.read()
            self._tally[path] = seen + len(new), lines + new.count(b"\n")
        return sum(lines for _, lines in self._tally.values())

    def _tend(self) -> None:
        for place, role in enumerate(ROLES):
            member = self._members.get(place)
            if member is not None and member.ends():
                self._end(member)
                member = None
            if member is None:
                self._members[place] = self._start(role)

    def _start(self, role: str) -> Member:
        number = next(self._numbers)
        name = f"{role}-{number}"
        said = self._folder / f"{name}.said"
        module = [sys.executable, "-m", "soak.worker"]
        seed = str(self._dice.randrange(2**32))
        arguments = [role, str(self._place), str(said), name, seed, "0", self._durability]
        errors = (self._folder / f"{name}.errors").open("w")
        with errors:
            process = subprocess.Popen([*module, *arguments], stderr=errors, text=True)
        life = _MIN_LIFE_SECONDS + self._dice.expovariate(1 / _MEAN_LIFE_SECONDS)
        return Member(process, said, life)

    def _end(self, member: Member) -> None:
        if member.process.poll() is None:
            member.process.kill()
            self.kills += 1
        status = member.process.wait()
        self.ended.append(member.said)
        if status != -signal.SIGKILL:
            errors = member.said.with_suffix(".errors").read_text().strip().splitlines()
            self.wrong.append(f"{member.said.stem} ended with {status}: {errors[-1:]}")


def run(seed: int, steps: int, seconds: float, durability: str = "group") -> Result:
    """Let the crew work for ``steps`` steps and at least ``seconds``, then take stock.

    A step is one call that was acknowledged. Wrong is a promise of a process that was
    not kept while it lived or afterwards, damage that ``verify`` reports, what a last full
    collection leaves behind, and a process that ended by itself.
    """
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="aivcs-crew-") as folder:
        crew = Crew(Path(folder), seed, durability)
        crew.work(lambda: time.monotonic() - began >= seconds and crew.steps() >= steps)
        wrong = [*crew.wrong]
        heard = hear(crew.lines()).values()
        wrong += [line for one in heard for line in one.lost]
        kept = {digest for one in heard for digest in one.kept}
        with aivcs.open(Path(folder) / "repository") as repo:
            wrong += [f"before the last collection: {text}" for text in unreadable(repo, kept)]
            wrong += damage(repo)
            repo.gc(full=True)
            wrong += [f"after the last collection: {text}" for text in unreadable(repo, kept)]
            wrong += leftovers(repo)
            wrong += damage(repo)
            stored = len(surveyed(repo))
    counts = {"steps": sum(sum(one.steps.values()) for one in heard), "kills": crew.kills}
    for one in heard:
        for word, number in one.steps.items():
            counts[word] = counts.get(word, 0) + number
    counts |= {"kept objects": len(kept), "stored at the end": stored}
    return Result("crew", seed, time.monotonic() - began, counts, tuple(wrong[:_MOST_SHOWN]))
