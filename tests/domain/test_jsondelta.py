from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aivcs.domain.jsondelta import Delta, deltas, resolve, same
from aivcs.errors import InvalidInputError

# The example of RFC 6901, section 5.
DOCUMENT: Any = {
    "foo": ["bar", "baz"],
    "": 0,
    "a/b": 1,
    "c%d": 2,
    "e^f": 3,
    "g|h": 4,
    "i\\j": 5,
    'k"l': 6,
    " ": 7,
    "m~n": 8,
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "~", "/", "", "0", "01"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("", DOCUMENT),
        ("/foo", ["bar", "baz"]),
        ("/foo/0", "bar"),
        ("/", 0),
        ("/a~1b", 1),
        ("/c%d", 2),
        ("/e^f", 3),
        ("/g|h", 4),
        ("/i\\j", 5),
        ('/k"l', 6),
        ("/ ", 7),
        ("/m~0n", 8),
    ],
)
def test_the_pointers_of_the_standard(pointer: str, value: Any) -> None:
    assert resolve(DOCUMENT, pointer) == value


@pytest.mark.parametrize(
    "pointer", ["/none", "/foo/2", "/foo/-", "/foo/01", "/foo/x", "/foo/0/x", "/foo/" + "9" * 9999]
)
def test_what_is_not_there_is_null(pointer: str) -> None:
    assert resolve(DOCUMENT, pointer) is None


@pytest.mark.parametrize("pointer", ["foo", "foo/0", "/a~b", "/~2", "/~"])
def test_what_is_no_pointer(pointer: str) -> None:
    with pytest.raises(InvalidInputError, match="not a JSON pointer"):
        deltas({}, {}, [pointer])


def test_only_the_places_asked_for() -> None:
    a: Any = {"memory": [{"context": "x"}], "score": 1, "gone": 5}
    b: Any = {"memory": [{"context": "y"}], "score": 1, "new": 6}
    assert deltas(a, b, []) == ()
    assert deltas(a, b, ["/score", "/absent"]) == ()
    assert deltas(a, b, ["/new", "/memory/0/context", "/gone"]) == (
        Delta("/new", None, 6),
        Delta("/memory/0/context", "x", "y"),
        Delta("/gone", 5, None),
    )


def test_every_place() -> None:
    a: Any = {"a": {"x": 1, "y~/": [1, 2]}, "b": 1, "same": [1]}
    b: Any = {"a": {"x": 1, "y~/": [1, 3, 4]}, "b": 1.0, "same": [1]}
    assert deltas(a, b) == (
        Delta("/a/y~0~1/1", 2, 3),
        Delta("/a/y~0~1/2", None, 4),
        Delta("/b", 1, 1.0),
    )
    assert deltas({"a": None}, {}) == ()
    assert deltas(1, 2) == (Delta("", 1, 2),)
    assert deltas([1], {"0": 1}) == (Delta("", [1], {"0": 1}),)


@pytest.mark.parametrize(
    ("a", "b"),
    [(1, True), (1, 1.0), (0.0, -0.0), (0, False), (0, None), ("1", 1), ([], {}), ([1], [True])],
)
def test_values_of_different_kinds_differ(a: Any, b: Any) -> None:
    assert not same(a, b)
    assert not same({"x": a}, {"x": b})


def test_keys_have_no_order_and_lists_have() -> None:
    assert same({"a": 1, "b": 2}, {"b": 2, "a": 1})
    assert same([1, (2,)], (1, [2]))
    assert not same([1, 2], [2, 1])
    assert not same([1], [1, 1])


@given(JSON, JSON)
def test_deltas_are_where_the_values_differ(a: Any, b: Any) -> None:
    found = deltas(a, b)
    assert deltas(a, a) == ()
    for delta in found:
        assert same(resolve(a, delta.pointer), delta.before)
        assert same(resolve(b, delta.pointer), delta.after)
        assert not same(delta.before, delta.after)
    assert deltas(a, b, [delta.pointer for delta in found]) == found
    turned = {delta.pointer: (delta.after, delta.before) for delta in deltas(b, a)}
    assert {delta.pointer: (delta.before, delta.after) for delta in found} == turned
    if json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True):
        assert not found
