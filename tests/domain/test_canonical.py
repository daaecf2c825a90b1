from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from aivcs.domain import canonical
from aivcs.errors import InvalidInputError

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parent.parent / "golden" / "canonical.json").read_text(encoding="utf-8")
)
SAFE = canonical.MAX_SAFE_INTEGER
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-SAFE, SAFE)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
)


@pytest.mark.parametrize("vector", VECTORS["documents"], ids=lambda vector: vector["json"][:30])
def test_known_documents(vector: dict[str, str]) -> None:
    assert canonical.dumps(canonical.loads(vector["json"])).decode() == vector["canonical"]


@pytest.mark.parametrize("vector", VECTORS["doubles"], ids=lambda vector: vector["ieee"])
def test_known_doubles(vector: dict[str, str]) -> None:
    (number,) = struct.unpack(">d", bytes.fromhex(vector["ieee"]))
    if vector["text"] in {"NaN", "Infinity"}:
        with pytest.raises(InvalidInputError, match="not a JSON number"):
            canonical.dumps(number)
    else:
        assert canonical.dumps(number).decode() == vector["text"]


@pytest.mark.parametrize("text", VECTORS["refused"], ids=lambda text: repr(text[:20]))
def test_refused_texts(text: str) -> None:
    with pytest.raises(InvalidInputError, match="not JSON"):
        canonical.loads(text)


@given(JSON)
def test_agrees_with_the_reference(value: Any) -> None:
    assert canonical.dumps(value) == rfc8785.dumps(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_agree_with_the_reference(value: float) -> None:
    text = canonical.number_text(value)
    assert text.encode() == rfc8785.dumps(value)
    assert float(text) == value


@given(JSON)
def test_decoding_and_encoding_again_changes_nothing(value: Any) -> None:
    data = canonical.dumps(value)
    assert canonical.dumps(canonical.loads(data)) == data


@given(st.dictionaries(TEXT, st.integers(0, 9)), st.randoms())
def test_the_order_of_keys_does_not_matter(value: dict[str, int], random: Any) -> None:
    items = list(value.items())
    random.shuffle(items)
    assert canonical.dumps(dict(items)) == canonical.dumps(value)


def test_tuples_are_arrays() -> None:
    assert canonical.dumps((1, (2, ()))) == b"[1,[2,[]]]"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (SAFE + 1, "beyond 2"),
        pytest.param(10**5000, "beyond 2", id="5001 digits"),
        (-SAFE - 1, "beyond 2"),
        ("\ud800", "lone surrogate"),
        ({"\udfff": 1}, "lone surrogate"),
        ({1: 2}, "key must be text"),
        ({"a": {None: 1}}, "key must be text"),
        ({1, 2}, "not a JSON value"),
        (b"x", "not a JSON value"),
        (float("nan"), "not a JSON number"),
        ([float("-inf")], "not a JSON number"),
    ],
)
def test_values_json_cannot_hold(value: object, reason: str) -> None:
    with pytest.raises(InvalidInputError, match=reason):
        canonical.dumps(value)


def test_too_deep() -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(InvalidInputError, match="too deeply"):
        canonical.dumps(value)
    for levels in (101, 100_000):
        with pytest.raises(InvalidInputError, match="not JSON: nested too deeply"):
            canonical.loads("[" * levels + "]" * levels)
    deepest = b"[" * 100 + b"]" * 100
    assert canonical.dumps(canonical.loads(deepest)) == deepest


def test_bytes_that_are_not_utf8() -> None:
    with pytest.raises(InvalidInputError, match="not JSON"):
        canonical.loads(b'"\xff"')
