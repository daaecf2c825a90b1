"""The first bad release is found within its bound, beside what cannot be tested."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aivcs.domain.bisect import Answer, BisectTerms, Rates, Verdict
from aivcs.domain.bisect_releases import ReleaseSearch
from aivcs.errors import InvalidInputError
from tests.bisecting.hunting import bad_from, drive, flips


@st.composite
def searches(draw: st.DrawFn) -> tuple[int, int, set[int]]:
    """Draw how many there are, which is the first bad one, and which cannot be tested."""
    count = draw(st.integers(2, 40))
    first = draw(st.integers(1, count - 1))
    skipped = draw(st.sets(st.integers(0, count), max_size=count))
    return count, first, skipped


@pytest.mark.parametrize("count", [2, 3, 4, 5, 33, 64, 65, 66, 1000])
def test_it_takes_the_logarithm_of_the_candidates(count: int) -> None:
    for first in range(1, count, max(1, count // 20)):
        search = ReleaseSearch(count, BisectTerms())
        asked = drive(search, bad_from(first))
        assert search.verdict() == Verdict((first,), 1.0)
        assert asked <= (count - 2).bit_length()


@given(searches())
def test_what_cannot_be_tested_leaves_exactly_what_it_hides(
    drawn: tuple[int, int, set[int]],
) -> None:
    count, first, skipped = drawn
    search = ReleaseSearch(count, BisectTerms())
    met: set[int] = set()

    def answer(place: int) -> bool | None:
        if place not in skipped:
            return place >= first
        met.add(place)
        return None

    asked = drive(search, answer)
    known = [place for place in range(count) if place in {0, count - 1} or place not in skipped]
    hidden = next((low, high) for low, high in pairwise(known) if low < first <= high)
    found, confidence = search.verdict()
    assert found == tuple(range(hidden[0] + 1, hidden[1] + 1))
    assert confidence == 1.0
    # Leaning away from what cannot be tested makes halves uneven: one question more at most.
    assert asked <= (count - 2).bit_length() + len(met) + bool(met)


def test_beside_a_block_that_cannot_be_tested_it_looks_further_away() -> None:
    search = ReleaseSearch(64, BisectTerms())
    asked = drive(search, lambda place: None if 25 <= place <= 38 else place >= 50)
    assert search.verdict().found == (50,)
    assert asked <= 9


def test_a_flaky_check_does_not_ask_for_ever_beside_what_cannot_be_tested() -> None:
    search = ReleaseSearch(64, BisectTerms(flaky=0.2))
    asked = drive(
        search, lambda place: None if 20 <= place <= 30 else place >= 25, flips(0.2, seed=7)
    )
    found, confidence = search.verdict()
    assert found == tuple(range(20, 32))
    assert 0.99 < confidence < 1
    assert asked < 100


def test_given_up_early_it_names_the_likely_ones() -> None:
    search = ReleaseSearch(64, BisectTerms(flaky=0.1))
    for _ in range(6):
        place = search.next_question()
        assert place is not None
        search.answered(place, Answer.BAD if place >= 40 else Answer.GOOD)
    found, confidence = search.verdict()
    assert 40 in found
    assert 1 < len(found) < 63
    assert confidence >= BisectTerms(flaky=0.1).stage_confidence


def test_nothing_is_asked_where_there_is_one_candidate() -> None:
    for flaky in (0.0, 0.2, None):
        search = ReleaseSearch(2, BisectTerms(flaky=flaky))
        assert search.next_question() is None
        assert search.verdict() == Verdict((1,), 1.0)


def test_the_rates_are_learnt() -> None:
    wrong = flips(0.4, seed=3)
    search = ReleaseSearch(64, BisectTerms(flaky=None))
    drive(search, bad_from(20), lambda bad: bad and wrong(bad))
    rates = search.rates()
    assert sum(rates.values()) == pytest.approx(1)
    assert sum(weight * rate.false_good for rate, weight in rates.items()) > 0.2
    assert sum(weight * rate.false_bad for rate, weight in rates.items()) < 0.1


@pytest.mark.parametrize("count", [0, 1])
def test_there_must_be_two_ends(count: int) -> None:
    with pytest.raises(InvalidInputError, match="between a good and a bad spec"):
        ReleaseSearch(count, BisectTerms())


@pytest.mark.parametrize("place", [-1, 0, 9, 10])
def test_the_ends_are_no_questions(place: int) -> None:
    with pytest.raises(InvalidInputError, match="no question"):
        ReleaseSearch(10, BisectTerms()).answered(place, Answer.GOOD)


def test_answers_that_contradict_one_another_are_refused() -> None:
    search = ReleaseSearch(10, BisectTerms())
    search.answered(3, Answer.BAD)
    with pytest.raises(InvalidInputError, match="contradicts") as caught:
        search.answered(5, Answer.GOOD)
    assert "--flaky" in str(caught.value.hint)


@pytest.mark.parametrize("flaky", [-0.1, 0.5, 1.0, float("nan"), float("inf")])
def test_a_check_that_tells_nothing_is_refused(flaky: float) -> None:
    with pytest.raises(InvalidInputError, match="tells nothing"):
        BisectTerms(flaky=flaky)


@pytest.mark.parametrize("confidence", [0.0, 0.49, 1.0, float("nan")])
def test_a_confidence_is_a_probability(confidence: float) -> None:
    with pytest.raises(InvalidInputError, match="not a confidence"):
        BisectTerms(confidence=confidence)


def test_there_must_be_room_for_an_evaluation() -> None:
    with pytest.raises(InvalidInputError, match="at least 1 evaluation"):
        BisectTerms(at_most=0)


def test_what_is_not_known_is_spread_over_many_rates() -> None:
    rates = BisectTerms(flaky=None).rates()
    assert sum(rates.values()) == pytest.approx(1)
    assert Rates(0.05, 0.4) in rates
    assert BisectTerms(flaky=0.2).rates() == {Rates(0.2, 0.2): 1.0}
