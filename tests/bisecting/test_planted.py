"""64 releases, one planted cause, 200 seeds, with and without answers that are wrong."""

from __future__ import annotations

from statistics import mean

import pytest

from aivcs.domain.bisect import BisectTerms
from aivcs.domain.bisect_releases import ReleaseSearch
from tests.bisecting.hunting import RELEASES, bad_from, drive, flips, hunt

SEEDS = range(200)


def test_without_flakiness_all_are_found_in_six_evaluations() -> None:
    hunts = [hunt(seed, BisectTerms()) for seed in SEEDS]
    assert all(one.right_release and one.right_cause for one in hunts)
    assert max(one.for_release for one in hunts) == 6
    assert max(one.for_cause for one in hunts) <= 8


@pytest.mark.parametrize(
    ("flaky", "false_bad", "false_good", "count"),
    [(0.2, 0.2, 0.2, 200), (0.2, 0.0, 0.0, 30), (0.2, 0.1, 0.2, 30), (0.05, 0.05, 0.05, 30)],
)
def test_a_stated_flakiness_is_overcome(
    flaky: float, false_bad: float, false_good: float, count: int
) -> None:
    terms = BisectTerms(flaky=flaky)
    hunts = [hunt(seed, terms, false_bad, false_good) for seed in range(count)]
    right = sum(one.right_release and one.right_cause for one in hunts)
    assert right >= 0.99 * len(hunts)
    assert mean(one.for_release for one in hunts) < 36
    assert mean(one.for_cause for one in hunts) < 25


@pytest.mark.slow
@pytest.mark.parametrize(
    ("false_bad", "false_good", "count"),
    [(0.2, 0.2, 200), (0.05, 0.4, 40), (0.0, 0.3, 40), (0.0, 0.0, 40)],
)
def test_a_flakiness_that_nobody_knows_is_learnt(
    false_bad: float, false_good: float, count: int
) -> None:
    terms = BisectTerms(flaky=None)
    hunts = [hunt(seed, terms, false_bad, false_good) for seed in range(count)]
    right = sum(one.right_release and one.right_cause for one in hunts)
    assert len(hunts) - right <= max(1, len(hunts) // 100)
    assert mean(one.for_release + one.for_cause for one in hunts) < 110


def test_less_confidence_costs_less() -> None:
    costs = []
    for confidence in (0.8, 0.99, 0.9999):
        terms = BisectTerms(0.2, confidence)
        searches = ((seed, ReleaseSearch(RELEASES, terms)) for seed in range(20))
        costs.append(
            mean(
                drive(search, bad_from(3 * seed + 1), flips(0.2, seed)) for seed, search in searches
            )
        )
    assert costs == sorted(costs)
    assert costs[0] + 5 < costs[2]
