"""The quick writer of JSON gives the same text and the same errors as the exact one."""

from __future__ import annotations

import math
import sys
import uuid
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aivcs.domain import jsontext, quickjson
from aivcs.domain.strictjson import MAX_DEPTH
from aivcs.errors import InvalidEvent


class Colour(Enum):
    RED = 1


class Text(str):
    __slots__ = ()


class Table(dict[Any, Any]):
    pass


TEXTS = st.text() | st.text(st.characters(exclude_categories=()))
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(TEXTS, inner)
        | st.dictionaries(TEXTS | st.integers() | st.none(), inner, max_size=3)
    ),
)


def _answer(encode: Any, value: Any) -> tuple[str, str]:
    try:
        return "text", encode(value)
    except InvalidEvent as error:
        return "error", error.message


def _deep(levels: int, inner: Any) -> Any:
    for _ in range(levels):
        inner = [inner]
    return inner


@given(ANYTHING)
@example(math.nan)
@example([-math.inf])
@example({"a": 1e16, "b": 1e-5, "c": 1e-4, "d": -0.0, "e": 0.1 + 0.2, "f": 123456789012345.6})
@example([2**63 - 1, 2**63, 2**64, -(2**63), -(2**63) - 1, 10**400])
@example(["\ud800", "\x00\x1f\x7f\x80\u2028", '/\\"'])
@example({1: 2})
@example({Text("a"): Text("b")})
@example(Table(a=Table()))
@example([uuid.UUID(int=1), datetime(2026, 1, 1, tzinfo=UTC)])
@example([Colour.RED])
@example({"a": {1, 2}})
@example([b"bytes"])
def test_the_two_writers_agree(value: Any) -> None:
    assert _answer(quickjson.encode, value) == _answer(jsontext.encode, value)


@pytest.mark.parametrize("levels", [MAX_DEPTH - 1, MAX_DEPTH, MAX_DEPTH + 1])
@pytest.mark.parametrize("inner", [1, [], {}, 0.5])
def test_they_agree_on_depth(levels: int, inner: Any) -> None:
    value = _deep(levels, inner)
    assert _answer(quickjson.encode, value) == _answer(jsontext.encode, value)


def test_they_agree_on_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsontext, "MAX_BODY", 2**20 + 10)
    for size in (2**20 - 2, 2**20, 2**20 + 8, 2**20 + 9):
        value = "x" * size
        assert _answer(quickjson.encode, value) == _answer(jsontext.encode, value)


def test_few_events_do_not_wait_for_its_import() -> None:
    from aivcs.services import bodies

    assert bodies.encoder(1) is jsontext.encode
    assert bodies.encoder() is quickjson.encode
    assert "orjson" in sys.modules
