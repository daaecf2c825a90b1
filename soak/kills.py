"""One process after the other on one repository, each killed at some instant."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

import aivcs
from aivcs.testing.aftermath import damage, leftovers, unreadable
from soak.promises import hear
from soak.result import Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from soak.promises import Promises

ROLES: Final = ("writer", "keeper", "all", "keeper")
_MEAN_SECONDS: Final = 0.4
_THOROUGH_EVERY: Final = 10
_MOST_SHOWN: Final = 20


def victim(place: Path, said: Path, role: str, seed: str, after: float) -> str:
    """Start a worker, let it tell a line, kill it, and return what it told and was wrong."""
    name = said.stem
    command = [sys.executable, "-m", "soak.worker", role, str(place), str(said), name, seed]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr is not None
        deadline = time.monotonic() + 60
        while not said.exists() and child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        timer = threading.Timer(after, child.kill)
        timer.start()
        errors = child.stderr.read().strip().splitlines()
        timer.join()
        status = child.wait()
    return "" if status == -signal.SIGKILL else f"{name} ended with {status}: {errors[-1:]}"


def run(seed: int, kills: int) -> Result:
    """Kill ``kills`` processes that put, name, drop, seal, collect or repair.

    Wrong is a process that ended by itself, a promise that is not kept after a kill,
    damage that ``verify`` reports, and what a last full collection leaves behind.
    """
    began = time.monotonic()
    dice, wrong = Random(seed), list[str]()
    counts = {"kills": 0, "promises checked": 0}
    kept: set[aivcs.Digest] = set()
    with tempfile.TemporaryDirectory(prefix="aivcs-kills-") as name:
        folder = Path(name)
        with aivcs.init(folder / "repository") as repo:
            components = {"prompts": {"system.md": "Be helpful."}}
            repo.specs.add({"name": "first", "components": components})
            for number in range(kills):
                said = folder / f"victim-{number}.said"
                role = ROLES[number % len(ROLES)]
                after = dice.expovariate(1 / _MEAN_SECONDS)
                ended = victim(folder / "repository", said, role, f"{seed}-{number}", after)
                wrong += [ended] * bool(ended)
                heard = hear(said.read_text().splitlines(keepends=True)).values()
                new = {digest for one in heard for digest in one.kept | one.held}
                kept |= {digest for one in heard for digest in one.kept}
                thorough = number % _THOROUGH_EVERY == 0
                wrong += _faults(repo, heard, new | kept if thorough else new)
                wrong += damage(repo) if thorough else []
                _count(counts, heard, len(new))
                if wrong:
                    break
            repo.gc(full=True)
            wrong += [*unreadable(repo, kept), *damage(repo), *leftovers(repo)]
    return Result("kills", seed, time.monotonic() - began, counts, tuple(wrong[:_MOST_SHOWN]))


def _faults(
    repo: aivcs.Repo, heard: Iterable[Promises], promised: set[aivcs.Digest]
) -> Iterator[str]:
    for one in heard:
        yield from one.lost
    yield from unreadable(repo, promised)


def _count(counts: dict[str, int], heard: Iterable[Promises], checked: int) -> None:
    counts["kills"] += 1
    counts["promises checked"] += checked
    for one in heard:
        for word, times in one.steps.items():
            counts[word] = counts.get(word, 0) + times
