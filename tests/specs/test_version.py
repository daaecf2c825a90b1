from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aivcs.domain.version import parse_version

ASCENDING = [
    "0.0.0",
    "0.0.9",
    "0.0.10",
    "1.0.0-0",
    "1.0.0-2",
    "1.0.0-11",
    "1.0.0-18446744073709551616",
    "1.0.0--",
    "1.0.0-A",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
    "1.0.1-0a",
    "1.2.0",
    "1.10.0",
    f"1.{'9' * 5000}.0",
    f"1.1{'0' * 5000}.0",
    "2.0.0-x-y-z.--",
]


@pytest.mark.parametrize(("lower", "higher"), list(pairwise(ASCENDING)))
def test_precedence(lower: str, higher: str) -> None:
    one, other = parse_version(lower), parse_version(higher)
    assert one is not None
    assert other is not None
    assert one < other


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "1.2",
        "1.2.3.4",
        "v1.2.3",
        "1.2.3-",
        "1.2.3-a.",
        "1.2.3-.a",
        "1.2.3-01",
        "01.2.3",
        "1.2.3+build",
        "1.2.3-a+b",
        " 1.2.3",
        "1.2.3\n",
        "-1.2.3",
        "1.2.x",
        "\u0661.2.3",
        "1.2.3-\u00e4",
    ],
)
def test_what_is_no_version(text: str) -> None:
    assert parse_version(text) is None


NUMBER = st.integers(0, 2**70)


@given(st.tuples(NUMBER, NUMBER, NUMBER), st.tuples(NUMBER, NUMBER, NUMBER))
def test_three_numbers_are_ordered_like_numbers(
    one: tuple[int, int, int], other: tuple[int, int, int]
) -> None:
    first = parse_version("{}.{}.{}".format(*one))
    second = parse_version("{}.{}.{}".format(*other))
    assert first is not None
    assert second is not None
    assert (first < second) == (one < other)
