from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aivcs.domain.jsondelta import resolve, same
from aivcs.domain.listalign import MAX_ITEMS
from aivcs.domain.valuediff import ValueKind, value_diff

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(0, 2)
    | st.floats(allow_nan=False)
    | st.text(max_size=2),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(st.fixed_dictionaries({"name": st.sampled_from("abcd"), "x": inner}), max_size=4)
        | st.dictionaries(st.sampled_from(["a", "b", "~", "/", "", "0"]), inner, max_size=3)
    ),
    max_leaves=20,
)
TOOL = {
    "name": "weather",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "unit": {"enum": ["C", "F"]}},
        "required": ["city"],
    },
}


def told(old: Any, new: Any) -> list[tuple[str, str, Any, Any]]:
    return [(one.path, one.kind.value, one.old, one.new) for one in value_diff(old, new)]


def test_a_schema_is_compared_by_path() -> None:
    new = deepcopy(TOOL)
    parameters: Any = new["parameters"]
    parameters["properties"]["city"]["type"] = "number"
    parameters["properties"]["day"] = {"type": "string"}
    del parameters["properties"]["unit"]
    parameters["required"].append("day")
    assert told(TOOL, new) == [
        ("parameters.properties.city.type", "changed", "string", "number"),
        ("parameters.properties.unit", "removed", {"enum": ["C", "F"]}, None),
        ("parameters.properties.day", "added", None, {"type": "string"}),
        ("parameters.required[1]", "added", None, "day"),
    ]


def test_null_is_not_absent_and_kinds_of_numbers_differ() -> None:
    assert told({"a": None}, {}) == [("a", "removed", None, None)]
    assert told({}, {"a": None}) == [("a", "added", None, None)]
    assert told([1, True, 0.0], [1.0, False, -0.0]) == [
        ("[0]", "changed", 1, 1.0),
        ("[1]", "changed", True, False),
        ("[2]", "changed", 0.0, -0.0),
    ]
    assert told({"a": 1, "b": 2}, {"b": 2, "a": 1}) == []
    assert told(1, "1") == [("", "changed", 1, "1")]
    assert told({}, []) == [("", "changed", {}, [])]


@pytest.mark.parametrize(
    ("member", "called"),
    [
        (lambda name: {"name": name}, "name=b"),
        (lambda name: {"type": "function", "function": {"name": name}}, "function.name=b"),
        (lambda name: {"id": name, "type": "x"}, "id=b"),
    ],
)
def test_items_that_have_names_are_aligned_by_them(member: Any, called: str) -> None:
    old = [{**member(name), "x": 1} for name in "abc"]
    new = [{**member(name), "x": 1} for name in "zabc"]
    new[2]["x"] = 2
    changed, added = (
        [one for one in value_diff(old, new) if one.kind is kind]
        for kind in (ValueKind.CHANGED, ValueKind.ADDED)
    )
    assert [(one.path, one.old, one.new) for one in changed] == [(f"[{called}].x", 1, 2)]
    assert [(one.old_pointer, one.new_pointer) for one in changed] == [("/1/x", "/2/x")]
    assert [one.new_pointer for one in added] == ["/0"]
    assert len(value_diff(old, new)) == 2


def test_an_item_that_moves_is_told_once() -> None:
    assert [
        (one.path, one.kind, one.old_pointer, one.new_pointer)
        for one in value_diff({"r": ["a", "b", "c"]}, {"r": ["c", "a", "b"]})
    ] == [("r[0]", ValueKind.MOVED, "/r/2", "/r/0")]
    old = {"tools": [{"name": name, "x": 1} for name in "abc"]}
    new = {"tools": [{"name": name, "x": 1 + (name == "c")} for name in "cab"]}
    assert told(old, new) == [
        ("tools[name=c]", "moved", None, None),
        ("tools[name=c].x", "changed", 1, 2),
    ]


def test_unnamed_items_keep_their_order_and_what_is_left_is_paired() -> None:
    old, new = [1, 2, 3, {"x": 1}, 9], [0, 1, 3, {"x": 2}, 9]
    assert told(old, new) == [
        ("[0]", "added", None, 0),
        ("[1]", "removed", 2, None),
        ("[3].x", "changed", 1, 2),
    ]
    twice = [{"name": "a"}, {"name": "a"}], [{"name": "a"}]
    assert told(*twice) == [("[1]", "removed", {"name": "a"}, None)]
    assert told([{"name": "a"}], [{"name": "b"}]) == [("[0].name", "changed", "a", "b")]


def test_odd_keys_and_names_are_quoted() -> None:
    old: Any = {"a b": {"x.y": [{"name": "p q", "v": 1}]}}
    new = deepcopy(old)
    new["a b"]["x.y"][0]["v"] = 2
    (found,) = value_diff(old, new)
    assert found.path == '"a b"."x.y"[name="p q"].v'
    assert (found.old_pointer, found.new_pointer) == ("/a b/x.y/0/v",) * 2


def test_very_long_lists_are_compared_item_by_item() -> None:
    old = list(range(MAX_ITEMS + 1))
    found = value_diff(old, [-1, *old[1:], 7])
    assert [(one.path, one.kind.value) for one in found] == [
        ("[0]", "changed"),
        (f"[{MAX_ITEMS + 1}]", "added"),
    ]


def without(value: Any, pointers: set[str], place: str = "") -> Any:
    """Return a value without what stands at these places."""
    if isinstance(value, dict):
        steps = ((key, key.replace("~", "~0").replace("/", "~1")) for key in value)
        return {
            key: without(value[key], pointers, f"{place}/{token}")
            for key, token in steps
            if f"{place}/{token}" not in pointers
        }
    if isinstance(value, list):
        return [
            without(item, pointers, f"{place}/{index}")
            for index, item in enumerate(value)
            if f"{place}/{index}" not in pointers
        ]
    return None if place in pointers else value


@given(JSON, JSON)
def test_the_rest_is_the_same_and_every_change_is_one(old: Any, new: Any) -> None:
    found = value_diff(old, new)
    assert bool(found) is not same(old, new)
    gone = {one.old_pointer for one in found if one.old_pointer is not None}
    come = {one.new_pointer for one in found if one.new_pointer is not None}
    if "" not in gone:
        assert same(without(old, gone), without(new, come))
    for one in found:
        before = None if one.old_pointer is None else resolve(old, one.old_pointer)
        after = None if one.new_pointer is None else resolve(new, one.new_pointer)
        if one.kind is not ValueKind.MOVED:
            assert same(before, one.old)
            assert same(after, one.new)
        if one.kind is ValueKind.CHANGED:
            assert not same(before, after)
        assert (one.old_pointer is None) == (one.kind is ValueKind.ADDED)
        assert (one.new_pointer is None) == (one.kind is ValueKind.REMOVED)


@given(JSON)
def test_a_copy_does_not_differ(value: Any) -> None:
    assert value_diff(value, json.loads(json.dumps(value))) == ()
