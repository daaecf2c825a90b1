"""What results add up to, held against computations that count trial by trial."""

from __future__ import annotations

from collections import Counter, defaultdict
from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aivcs.domain.comparison import Shift, compare
from aivcs.domain.digest import Digest
from aivcs.domain.evidence import (
    Evidence,
    Example,
    Flip,
    Result,
    Summary,
    pass_hat,
    regressions,
    summaries,
)
from aivcs.errors import InvalidInputError

SPEC = Digest.of(b"a spec")
RESULTS = st.lists(
    st.builds(
        Result,
        suite=st.sampled_from(["s", "t"]),
        example_id=st.sampled_from("abcd"),
        passed=st.booleans(),
        tags=st.lists(st.sampled_from(["x", "y"]), max_size=2).map(tuple),
        run_id=st.sampled_from(["r1", "r2"]),
    ),
    max_size=16,
)
Outcomes = dict[tuple[str, str], list[bool]]


def evidence(*results: Result) -> Evidence:
    runs = sorted({result.run_id for result in results})
    return Evidence(SPEC, results, tuple((run_id, "00" * 32) for run_id in runs))


def shares(**examples: str) -> Evidence:
    """Return evidence where ``a="3/4"`` is an example that passed 3 trials of 4."""
    found = []
    for example_id, share in examples.items():
        passes, trials = map(int, share.split("/"))
        found += [Result("s", example_id, passed=number < passes) for number in range(trials)]
    return evidence(*found)


def outcomes(results: list[Result]) -> Outcomes:
    found: Outcomes = defaultdict(list)
    for result in results:
        found[result.suite, result.example_id].append(result.passed)
    return found


@given(RESULTS)
def test_examples_are_all_trials_of_an_id_in_a_suite(results: list[Result]) -> None:
    found = evidence(*results).examples()
    assert {key: (one.trials, one.passes, one.passed) for key, one in found.items()} == {
        key: (len(trials), sum(trials), all(trials)) for key, trials in outcomes(results).items()
    }
    for (suite, example_id), one in found.items():
        own = [r for r in results if (r.suite, r.example_id) == (suite, example_id)]
        assert one.tags == {tag for result in own for tag in result.tags}
        assert one.share == f"{one.passes}/{one.trials}"


@given(RESULTS, st.integers(1, 5))
def test_pass_hat_is_the_share_of_all_choices_of_k_trials(results: list[Result], k: int) -> None:
    each = []
    for trials in outcomes(results).values():
        if len(trials) >= k:
            chosen = [all(some) for some in combinations(trials, k)]
            each.append(Fraction(sum(chosen), len(chosen)))
    wanted = float(sum(each) / len(each)) if each else None
    assert evidence(*results).pass_hat(k) == wanted


@given(RESULTS)
def test_the_pass_rate_is_pass_hat_of_one_trial(results: list[Result]) -> None:
    found = evidence(*results)
    assert found.pass_rate() == found.pass_hat(1)


def test_a_bar_is_met_exactly() -> None:
    assert shares(a="1/1", b="1/1", c="1/1", d="1/1", e="0/1").pass_rate() == 0.8
    assert shares(a="3/4", b="0/1").pass_rate() == 0.375
    assert shares(**{f"e{n}": "1/3" for n in range(9)}).pass_rate() == 1 / 3
    assert evidence().pass_rate() is None


def test_pass_hat_of_no_trials_is_not_defined() -> None:
    with pytest.raises(InvalidInputError, match=r"pass\^0"):
        pass_hat([Example(1, 1)], 0)
    assert shares(a="4/4", b="2/4").pass_hat(4) == 0.5
    assert shares(a="4/4", b="2/4").pass_hat(5) is None


@given(RESULTS, RESULTS)
def test_regressions_are_the_flips_from_pass_to_fail(old: list[Result], new: list[Result]) -> None:
    before, after = outcomes(old), outcomes(new)
    wanted = [
        key for key in sorted(before) if all(before[key]) and key in after and not all(after[key])
    ]
    found = regressions(evidence(*old), evidence(*new))
    assert [(flip.suite, flip.example_id) for flip in found] == wanted
    changed = compare(evidence(*old), evidence(*new))
    regressed = [one[:2] for one in changed if one.shift is Shift.REGRESSED]
    assert regressed == wanted
    fixed = {one[:2] for one in changed if one.shift is Shift.FIXED}
    back = compare(evidence(*new), evidence(*old))
    assert fixed == {one[:2] for one in back if one.after and one.before and one.before.passed}


def test_a_flip_tells_both_shares() -> None:
    flips = regressions(shares(a="4/4", b="3/4", c="1/1"), shares(a="3/4", b="0/4", d="0/1"))
    assert flips == (Flip("s", "a", "4/4", "3/4"),)


def test_what_differs_is_told_flips_first() -> None:
    before = shares(a="2/2", b="1/2", c="1/2", d="1/2", e="1/1", f="1/2", same="1/2")
    after = shares(a="1/2", b="2/2", c="1/4", d="3/4", f="2/2", g="1/1", same="2/4")
    told = [(one.shift, one.example_id) for one in compare(before, after)]
    assert told == [
        (Shift.REGRESSED, "a"),
        (Shift.FIXED, "b"),
        (Shift.FIXED, "f"),
        (Shift.WORSE, "c"),
        (Shift.BETTER, "d"),
        (Shift.DROPPED, "e"),
        (Shift.ADDED, "g"),
    ]
    assert compare(before, before) == ()


@given(RESULTS)
def test_suites_part_the_evidence(results: list[Result]) -> None:
    whole = evidence(*results)
    parts = [whole.of(suite) for suite in whole.suites()]
    assert Counter(r for part in parts for r in part.results) == Counter(results)
    for part in parts:
        assert {run for run, _ in part.seals} == {result.run_id for result in part.results}
    told = summaries(whole)
    assert [one.suite for one in told] == list(whole.suites())
    assert sum(one.trials for one in told) == len(results)
    assert sum(one.passes for one in told) == sum(result.passed for result in results)


def test_a_summary() -> None:
    results = [Result("s", "a", passed=n > 0, run_id=f"r{n % 2}") for n in range(4)]
    assert summaries(evidence(*results)) == (Summary(SPEC, "s", 1, 4, 3, 0.75, 2),)
