"""Authors of logs, a few at a time, each killed at some instant."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

import aivcs
from aivcs.testing.aftermath import damage
from soak.acknowledged import Acknowledged, missing
from soak.result import Result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aivcs.repo import Repo

AUTHORS: Final = 4
_MEAN_SECONDS: Final = 0.25
_ROUNDS_A_REPOSITORY: Final = 25
_MOST_SHOWN: Final = 20


def run(seed: int, kills: int) -> Result:
    """Kill at least ``kills`` authors, four at a time on one repository.

    Wrong is an author that ended by itself, an acknowledged entry, end or release that is
    not there as it was, a gap, a part of a batch, and what ``verify`` reports.
    """
    began = time.monotonic()
    dice, wrong = Random(seed), list[str]()
    counts: Counter[str] = Counter(kills=0)
    while counts["kills"] < kills and not wrong:
        with tempfile.TemporaryDirectory(prefix="aivcs-log-kills-") as name:
            wrong += _repository(Path(name), seed, kills, counts, dice)
    seconds = time.monotonic() - began
    return Result("log-kills", seed, seconds, dict(counts), tuple(wrong[:_MOST_SHOWN]))


def prepare(place: Path) -> None:
    """Make a repository with two specs, and the execution that all authors share."""
    with aivcs.init(place) as repo:
        for text in ("Be helpful.", "Be brief."):
            components = {"prompts": {"system.md": text}}
            repo.specs.add({"name": "helper", "components": components})


def look(repo: Repo, told: Acknowledged) -> list[str]:
    """Return what is wrong with a ledger whose authors are gone."""
    return [*missing(repo, told), *damage(repo)]


def _repository(
    folder: Path, seed: int, kills: int, counts: Counter[str], dice: Random
) -> list[str]:
    place, told, wrong = folder / "repository", Acknowledged(), list[str]()
    prepare(place)
    for _ in range(_ROUNDS_A_REPOSITORY):
        names = [f"author-{counts['kills'] + number}" for number in range(AUTHORS)]
        wrong += _round(place, folder, names, seed, dice)
        counts["kills"] += len(names)
        for name in names:
            with (folder / name).open() as lines:
                told.hear(lines)
        with aivcs.open(place) as repo:
            wrong += look(repo, told)
        if wrong or counts["kills"] >= kills:
            break
    counts["runs"] += len(told.runs)
    counts["acknowledged entries, ends and releases"] += len(told)
    return wrong


def _round(place: Path, folder: Path, names: Sequence[str], seed: int, dice: Random) -> list[str]:
    """Let authors work, kill each at its time, and say who ended by himself."""
    wrong, authors = [], []
    for name in names:
        said = folder / name
        command = [sys.executable, "-m", "soak.author", "author", str(place), str(said), name]
        arguments = [*command, f"{seed}-{name}"]
        authors.append(subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True))
    deadline = time.monotonic() + 60
    for name, author in zip(names, authors, strict=True):
        while not _has_told(folder / name) and author.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.002)
    for name, author in zip(names, authors, strict=True):
        time.sleep(dice.expovariate(AUTHORS / _MEAN_SECONDS))
        author.kill()
        _, errors = author.communicate()
        if author.returncode != -signal.SIGKILL:
            wrong.append(f"{name} ended with {author.returncode}: {errors.splitlines()[-1:]}")
    return wrong


def _has_told(said: Path) -> bool:
    return said.is_file() and said.stat().st_size > 0
