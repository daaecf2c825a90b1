from __future__ import annotations

import inspect
import json
import sys
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aivcs.domain import jsontext
from aivcs.domain.strictjson import MAX_DEPTH
from aivcs.errors import CorruptionError, InvalidEvent

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_what_is_encoded_comes_back(value: Any) -> None:
    text = jsontext.encode(value)
    assert jsontext.decode(text.encode()) == json.loads(json.dumps(value))


def test_the_text_is_compact_and_keeps_the_order_of_keys() -> None:
    text = jsontext.encode({"b": [1, 2.0, "é"], "a": {"z": None, "y": True}})
    assert text == '{"b":[1,2.0,"é"],"a":{"z":null,"y":true}}'


def test_lone_surrogates_are_escaped() -> None:
    assert jsontext.encode(["é", "\ud800"]) == '["\\u00e9","\\ud800"]'


def test_tuples_and_subclasses() -> None:
    class Text(str):
        __slots__ = ()

    class Number(int):
        pass

    class Table(dict[Any, Any]):
        pass

    class Row(list[Any]):
        pass

    class Measure(float):
        pass

    assert jsontext.encode((Text("a"), Number(1))) == '["a",1]'
    assert jsontext.encode(Table({Text("a"): Row([Measure(0.5)])})) == '{"a":[0.5]}'
    for wrong in (Table({1: 2}), {"a": Row([Table({None: 1})])}, [Measure("nan")], Row([{1, 2}])):
        with pytest.raises(InvalidEvent):
            jsontext.encode(wrong)


def test_a_value_that_holds_itself() -> None:
    circle: list[Any] = []
    circle.append({"again": circle})
    with pytest.raises(InvalidEvent, match="nested too deeply"):
        jsontext.encode(circle)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (float("nan"), "not a JSON number"),
        ([10**5000], "cannot be written as JSON"),
        ({"a": [float("inf")]}, "not a JSON number"),
        ({1: 2}, "key must be text, not int"),
        ([{"a": {2.0: 1}}], "key must be text, not float"),
        (b"x", "a bytes is not a JSON value"),
        ({"a": {1}}, "a set is not a JSON value"),
        (object(), "an object is not a JSON value"),
    ],
)
def test_values_json_cannot_hold(value: object, reason: str) -> None:
    with pytest.raises(InvalidEvent, match=reason):
        jsontext.encode(value)


def nested(levels: int) -> Any:
    value: Any = 1
    for number in range(levels):
        value = [value] if number % 2 else {"a": value}
    return value


def at_depth(frames: int, call: Callable[[], T]) -> T:
    """Call something from deep down the stack."""
    return call() if not frames else at_depth(frames - 1, call)


def test_the_bound_of_nesting_does_not_depend_on_the_stack() -> None:
    value = nested(MAX_DEPTH)
    text = at_depth(600, lambda: jsontext.encode(value))
    assert at_depth(600, lambda: jsontext.decode(text)) == value
    for levels in (MAX_DEPTH + 1, 100_000):
        with pytest.raises(InvalidEvent, match="too deeply, over 100 levels"):
            jsontext.encode(nested(levels))
    looped: list[Any] = []
    looped.append(looped)
    with pytest.raises(InvalidEvent, match="too deeply"):
        jsontext.encode(looped)


def test_a_full_stack_is_not_taken_for_damage() -> None:
    text = jsontext.encode(nested(MAX_DEPTH))
    free = sys.getrecursionlimit() - len(inspect.stack(0))
    with pytest.raises(RecursionError):
        at_depth(free - 60, lambda: jsontext.decode(text))


@pytest.mark.parametrize("letter", ["a", "é", "\ud800"])
def test_too_long(letter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsontext, "MAX_BODY", 10)
    assert jsontext.encode("a" * 8)
    with pytest.raises(InvalidEvent, match="over the limit of 10"):
        jsontext.encode(letter * 9)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "nul",
        b"\xff",
        "NaN",
        "[-Infinity]",
        "1e999",
        "[" * 100_000,
        "[" * 101 + '"]"' + "]" * 101,
    ],
)
def test_a_stored_body_that_is_not_json(text: str | bytes) -> None:
    with pytest.raises(CorruptionError, match="not JSON"):
        jsontext.decode(text)


def test_brackets_in_texts_are_no_nesting() -> None:
    value = {"a[": ["[" * 500, '"' * 500 + "{" * 500]}
    assert jsontext.decode(jsontext.encode(value)) == value


def test_an_interpreter_without_the_fast_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    fast = jsontext._writer(jsontext._ENCODER)
    monkeypatch.setattr("json.encoder.c_make_encoder", None)
    slow = jsontext._writer(jsontext._ENCODER)
    values: list[Any] = [None, "é", 1.5, [], {"b": [1, "a\n"], "a": {"z": None}}]
    for value in values:
        assert fast(value) == slow(value) == jsontext._ENCODER.encode(value)
