from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aivcs.domain import jsontext
from aivcs.errors import CorruptionError, InvalidEvent

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

    assert jsontext.encode((Text("a"), Number(1))) == '["a",1]'


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
    ],
)
def test_values_json_cannot_hold(value: object, reason: str) -> None:
    with pytest.raises(InvalidEvent, match=reason):
        jsontext.encode(value)


def test_too_deep() -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(InvalidEvent, match="too deeply"):
        jsontext.encode(value)


@pytest.mark.parametrize("letter", ["a", "é", "\ud800"])
def test_too_long(letter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsontext, "MAX_BODY", 10)
    assert jsontext.encode("a" * 8)
    with pytest.raises(InvalidEvent, match="over the limit of 10"):
        jsontext.encode(letter * 9)


@pytest.mark.parametrize("text", ["", "{", "nul", b"\xff", "[" * 100_000])
def test_a_stored_body_that_is_not_json(text: str | bytes) -> None:
    with pytest.raises(CorruptionError, match="not JSON"):
        jsontext.decode(text)
