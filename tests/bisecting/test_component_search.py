"""The components to blame are found: one, several together, several of which each is enough."""

from __future__ import annotations

from itertools import combinations

import pytest

from aivcs.domain.bisect import Answer, BisectTerms
from aivcs.domain.bisect_components import ComponentSearch
from aivcs.errors import InvalidInputError
from tests.bisecting.hunting import PARTS, bad_with, dice, drive, flips

COSTS = {
    (1, 1): 0, (2, 1): 2, (3, 1): 3, (4, 1): 3, (5, 1): 4, (6, 1): 4,
    (2, 2): 2, (3, 2): 5, (4, 2): 6, (5, 2): 7, (6, 2): 8,
    (3, 3): 5, (4, 3): 7, (6, 6): 15,
}  # fmt: skip
"""By how many differ and how many are to blame together: the most evaluations."""


@pytest.mark.parametrize(("differing", "size"), COSTS)
def test_every_cause_is_found_within_its_cost(differing: int, size: int) -> None:
    costs = []
    for cause in combinations(PARTS[:differing], size):
        search = ComponentSearch(PARTS[:differing], BisectTerms())
        costs.append(drive(search, bad_with(cause)))
        assert search.verdict() == ((cause,), 1.0)
    assert max(costs) == COSTS[differing, size]


def test_any_cause_at_all_is_found_to_the_last_component() -> None:
    thrown = dice(11)
    for _ in range(60):
        count = thrown.randrange(1, 4)
        causes = [frozenset(thrown.sample(PARTS, thrown.randrange(1, 5))) for _ in range(count)]
        search = ComponentSearch(PARTS, BisectTerms())
        drive(search, bad_with(*causes))
        ((found,), confidence) = search.verdict()
        assert confidence == 1.0
        assert set(found) in [one for one in causes if not any(other < one for other in causes)]


@pytest.mark.parametrize("count", [2, 3])
def test_where_each_of_several_is_enough_one_is_named(count: int) -> None:
    alone = set(PARTS[1 : 1 + count])
    for seed in range(20):
        search = ComponentSearch(PARTS, BisectTerms(flaky=0.2))
        drive(search, bad_with(*([one] for one in alone)), flips(0.2, seed), limit=300)
        ((found,), confidence) = search.verdict()
        assert len(found) == 1
        assert set(found) <= alone
        assert confidence >= BisectTerms(flaky=0.2).stage_confidence


def test_what_cannot_be_mixed_is_left_open() -> None:
    search = ComponentSearch(("prompts", "tools"), BisectTerms())
    assert drive(search, lambda _: None) == 2
    assert search.verdict() == ((("prompts",), ("tools",), ("prompts", "tools")), 1.0)


def test_what_cannot_be_mixed_does_not_hide_what_can_be_told() -> None:
    search = ComponentSearch(PARTS[:3], BisectTerms())
    unmixed = ("tools", "model")
    drive(search, lambda taken: None if taken == unmixed else "prompts" in taken)
    assert search.verdict() == ((("prompts",),), 1.0)


@pytest.mark.parametrize("flaky", [0.0, 0.2])
def test_tools_and_model_that_only_work_together_hide_behind_one_another(flaky: float) -> None:
    search = ComponentSearch(PARTS[:3], BisectTerms(flaky=flaky))
    asked = drive(
        search,
        lambda taken: None if ("tools" in taken) != ("model" in taken) else "model" in taken,
        flips(flaky, seed=2),
        limit=120,
    )
    found, confidence = search.verdict()
    assert (("tools",) in found, ("model",) in found) == (True, True)
    assert ("prompts",) not in found
    assert confidence >= BisectTerms(flaky=flaky).stage_confidence
    assert asked < 120


def test_given_up_early_it_names_the_likely_ones() -> None:
    search = ComponentSearch(PARTS, BisectTerms(flaky=0.2))
    for _ in range(6):
        taken = search.next_question()
        assert taken is not None
        search.answered(taken, Answer.BAD if "graph" in taken else Answer.GOOD)
    found, confidence = search.verdict()
    assert ("graph",) in found
    assert len(found) > 1
    assert confidence >= BisectTerms(flaky=0.2).stage_confidence


def test_one_component_is_to_blame_without_a_question() -> None:
    search = ComponentSearch(["env"], BisectTerms(flaky=0.3))
    assert search.next_question() is None
    assert search.verdict() == ((("env",),), 1.0)


def test_without_a_difference_there_is_no_cause() -> None:
    with pytest.raises(InvalidInputError, match="the same spec"):
        ComponentSearch((), BisectTerms())


@pytest.mark.parametrize(
    "taken", [(), ("prompts", "tools"), ("env",), ("prompts", "env"), ("prompts", "prompts")]
)
def test_only_a_part_of_what_differs_is_a_mix(taken: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInputError, match="no mix of prompts, tools"):
        ComponentSearch(("prompts", "tools"), BisectTerms()).answered(taken, Answer.BAD)
