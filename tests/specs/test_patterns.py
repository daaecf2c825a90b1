from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aivcs.domain.patterns import Patterns, exact_path, exact_pattern, plain_path
from aivcs.errors import InvalidSpec


@given(st.lists(st.text("ab*?[]!#\\ \n\u00e9.", min_size=1), min_size=1).map("/".join))
def test_an_exact_pattern_names_its_path_and_no_other(path: str) -> None:
    pattern = exact_pattern(path)
    assert exact_path(pattern) == path
    patterns = Patterns([pattern])
    assert patterns.matches(path)
    assert patterns.matches(f"{path}/below")
    assert not patterns.matches(f"x/{path}")
    assert not patterns.matches(f"{path}x")


@pytest.mark.parametrize(
    ("pattern", "plain", "exact"),
    [
        ("a.md", "a.md", None),
        ("/a.md", "a.md", "a.md"),
        ("a/b", "a/b", "a/b"),
        ("a\\*b", "a*b", None),
        ("/a\\ ", "a ", "a "),
        ("a ", None, None),
        ("a/", None, None),
        ("!a/b", None, None),
        ("#a/b", None, None),
        ("a/*", None, None),
        ("a/?", None, None),
        ("a/[b]", None, None),
        ("a/b\\", None, None),
        ("/", None, None),
        ("", None, None),
    ],
)
def test_which_patterns_name_one_path(pattern: str, plain: str | None, exact: str | None) -> None:
    assert plain_path(pattern) == plain
    assert exact_path(pattern) == exact


def test_the_last_pattern_that_fits_decides() -> None:
    patterns = Patterns(["docs/**", "!docs/keep.md", "/a/b"])
    assert patterns.verdict("docs/x.md") is True
    assert patterns.verdict("docs/keep.md") is False
    assert patterns.verdict("other.md") is None
    assert patterns.verdict("docs", folder=True) is None
    assert patterns.matches("a/b/c")
    assert Patterns([]).verdict("x") is None


def test_a_pattern_that_cannot_be_read_is_named() -> None:
    with pytest.raises(InvalidSpec, match="not a pattern: '!'"):
        Patterns(["a", "!"])
