from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from aivcs.domain.alignment import align

NAMES = st.lists(st.sampled_from("abcd"), max_size=40)


def _length(a: list[str], b: list[str]) -> int:
    """Return the length of a longest common subsequence, by the table of the textbook."""
    row = [0] * (len(b) + 1)
    for one in a:
        left = diagonal = 0
        for place, other in enumerate(b, 1):
            above = row[place]
            left = row[place] = diagonal + 1 if one == other else max(left, above)
            diagonal = above
    return row[-1]


@given(NAMES, NAMES)
def test_pairs_ascend_match_and_are_as_many_as_can_be(a: list[str], b: list[str]) -> None:
    pairs = align(a, b)
    assert all(a[one] == b[other] for one, other in pairs)
    assert all(
        one < next_one and other < next_other
        for (one, other), (next_one, next_other) in pairwise(pairs)
    )
    assert len(pairs) == _length(a, b)


@given(NAMES)
def test_equal_sequences_are_aligned_place_by_place(names: list[str]) -> None:
    assert align(names, names) == [(place, place) for place in range(len(names))]
    assert align(names, []) == align([], names) == []


def test_long_sequences_are_aligned_too() -> None:
    a = [str(number * number % 50) for number in range(1500)]
    b = [str(number * number % 53) for number in range(1500)]
    assert len(align(a, b)) == _length(a, b)
