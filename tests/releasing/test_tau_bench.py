"""Gates on the rewards of real runs: four trials of each task of tau-bench's airline domain."""

from __future__ import annotations

import json
import random
from fractions import Fraction
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest

import aivcs
from aivcs.domain.evidence import Result
from aivcs.errors import GateFailed
from aivcs.testing.subject import add_spec, by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from aivcs.domain.digest import Digest
    from aivcs.repo import Repo

    Trials = dict[str, list[bool]]

SUITE = "tau-bench"


@pytest.fixture(scope="module")
def rewards(data: Callable[[str], Path]) -> Trials:
    """Read the file itself, without the program: passed trials by task."""
    found: Trials = {}
    for path in sorted(data("tau-bench").rglob("*.json")):
        for run in json.loads(path.read_bytes()):
            found.setdefault(str(run["task_id"]), []).append(run["reward"] == 1)
    return found


@pytest.fixture
def repo() -> Iterator[Repo]:
    with aivcs.open("memory:") as repo:
        yield repo


def expected(now: Trials, before: Trials, asked: Mapping[str, Any]) -> set[str]:
    """Work out which gates refuse, from the trials alone."""

    def mean(shares: list[Fraction]) -> Fraction:
        return sum(shares, Fraction()) / len(shares)

    def rate(tasks: Trials) -> Fraction:
        return mean([Fraction(sum(trials), len(trials)) for trials in tasks.values()])

    def every(tasks: Trials, k: int) -> Fraction:
        chosen = [list(combinations(t, k)) for t in tasks.values() if len(t) >= k]
        return mean([Fraction(sum(map(all, sets)), len(sets)) for sets in chosen])

    def lost() -> bool:
        return any(
            all(trials) and not all(now.get(task, [False])) for task, trials in before.items()
        )

    refuses: dict[str, Callable[[Any], bool]] = {
        "min_pass_rate": lambda value: rate(now) < Fraction(value),
        "min_pass_hat": lambda value: every(now, 4) < Fraction(value.split(":")[1]),
        "max_regression": lambda value: rate(before) - rate(now) > Fraction(value),
        "no_flip": lambda _: lost(),
        "min_examples": lambda value: len(now) < int(value),
    }
    return {gate for gate, value in asked.items() if refuses[gate](value)}


def record(repo: Repo, text: str, tasks: Trials) -> Digest:
    spec = add_spec(repo, text)
    results = [
        Result(SUITE, task, passed, float(passed), (), trial)
        for task, trials in tasks.items()
        for trial, passed in enumerate(trials, 1)
    ]
    repo.evidence.record(spec, results)
    return spec


def refused(repo: Repo, spec: Digest, asked: Mapping[str, Any]) -> set[str]:
    """Promote; return the gates that refuse."""
    require = [f"{gate}={value}" for gate, value in asked.items()]
    before = len(repo.releases.history("airline"))
    try:
        repo.releases.promote("airline", spec, by(), require=require)
    except GateFailed as error:
        assert len(repo.releases.history("airline")) == before
        found = error.message.split(": ", 1)[1].split("; ")
        return {one.split(": ")[0] for one in found}
    repo.releases.rollback("airline")
    return set()


def changed(tasks: Trials, seed: int) -> Trials:
    """Return what another agent might have scored."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    better = chance.uniform(-0.3, 0.3)
    return {
        task: [passed ^ (chance.random() < abs(better) and passed is (better < 0)) for passed in t]
        for task, t in tasks.items()
        if chance.random() < 0.98
    }


def test_verdicts_equal_an_independent_computation(repo: Repo, rewards: Trials) -> None:
    base = record(repo, "base", rewards)
    repo.releases.promote("airline", base, by())
    seen: set[str] = set()
    passed = 0
    for seed in range(40):
        now = changed(rewards, seed)
        chance = random.Random(seed)  # noqa: S311 - no secret
        asked = {
            "min_pass_rate": f"{chance.uniform(0.2, 0.6):.3f}",
            "min_pass_hat": f"4:{chance.uniform(0.0, 0.4):.3f}",
            "max_regression": f"{chance.uniform(0.0, 0.1):.3f}",
            "min_examples": str(chance.randint(len(rewards) - 2, len(rewards))),
        }
        if seed % 2:
            asked["no_flip"] = "true"
        due = expected(now, rewards, asked)
        assert refused(repo, record(repo, f"agent {seed}", now), asked) == due
        seen |= due
        passed += not due
    assert seen == {"min_pass_rate", "min_pass_hat", "max_regression", "min_examples", "no_flip"}
    assert passed


def test_a_flip_under_a_rising_mean_is_blocked(repo: Repo, rewards: Trials) -> None:
    base = record(repo, "base", rewards)
    repo.releases.promote("airline", base, by())
    whole = [task for task, trials in rewards.items() if all(trials)]
    assert whole
    for task in whole:
        for broken in range(len(rewards[task])):
            # Every other task passes, so that the mean rises far; one trial of one fails.
            now = {other: [True] * len(trials) for other, trials in rewards.items()}
            now[task][broken] = False
            spec = record(repo, f"without {task} {broken}", now)
            asked = {"max_regression": 0, "min_pass_rate": 0.5}
            assert refused(repo, spec, asked) == set()
            assert refused(repo, spec, {**asked, "no_flip": "true"}) == {"no_flip"}
    better = {task: [True] * len(trials) for task, trials in rewards.items()}
    assert refused(repo, record(repo, "better", better), {"no_flip": "true"}) == set()
