from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import pytest

from aivcs.domain import fields
from aivcs.domain.fields import Field, check_fields, name_of, one_of
from aivcs.errors import InvalidEvent

if TYPE_CHECKING:
    from aivcs.domain.fields import FieldType

GOOD: list[tuple[FieldType, list[Any]]] = [
    (fields.TEXT, ["", "a"]),
    (fields.NAME, ["a"]),
    (fields.COUNT, [0, 2**64 - 1]),
    (fields.SMALL_COUNT, [0, 2**32 - 1]),
    (fields.ORDINAL, [1, 2**32 - 1]),
    (fields.WHOLE, [-(2**63), 2**63 - 1]),
    (fields.HTTP_STATUS, [0, 65535]),
    (fields.NUMBER, [0, -1.5, 2**70]),
    (fields.FLAG, [True, False]),
    (fields.TEXTS, [[], ["a"], ("a", "b")]),
    (fields.OBJECT, [{}, {"a": 1}]),
    (fields.JSON, [None, 1, "a", [], {}]),
    (one_of(["a", "b"]), ["a", "b"]),
]
BAD: list[tuple[FieldType, list[Any]]] = [
    (fields.TEXT, [None, 1, b"a"]),
    (fields.NAME, ["", None]),
    (fields.COUNT, [-1, 2**64, 1.0, True, "1", None]),
    (fields.SMALL_COUNT, [-1, 2**32]),
    (fields.ORDINAL, [0, 2**32]),
    (fields.WHOLE, [2**63, 1.0, False]),
    (fields.HTTP_STATUS, [-1, 65536]),
    (fields.NUMBER, [math.nan, math.inf, True, "1", None]),
    (fields.FLAG, [0, 1, None, "true"]),
    (fields.TEXTS, ["a", [1], None]),
    (fields.OBJECT, [[], None, "{}"]),
    (one_of(["a", "b"]), ["c", "", None, ["a"]]),
]


@pytest.mark.parametrize(("kind", "values"), GOOD, ids=lambda case: getattr(case, "says", ""))
def test_what_fits(kind: FieldType, values: list[Any]) -> None:
    for value in values:
        check_fields("it", [Field("f", kind)], {"f": value}, open_ended=False)


@pytest.mark.parametrize(("kind", "values"), BAD, ids=lambda case: getattr(case, "says", ""))
def test_what_does_not_fit_is_named(kind: FieldType, values: list[Any]) -> None:
    for value in values:
        with pytest.raises(
            InvalidEvent, match=re.escape(f"the field 'f' of it must be {kind.says}, not ")
        ):
            check_fields("it", [Field("f", kind)], {"f": value}, open_ended=False)


def test_optional_fields_may_be_absent_or_null_but_not_wrong() -> None:
    optional = [Field("f", fields.COUNT, required=False)]
    check_fields("it", optional, {}, open_ended=False)
    check_fields("it", optional, {"f": None}, open_ended=False)
    with pytest.raises(InvalidEvent, match="must be a whole number from 0, not -1"):
        check_fields("it", optional, {"f": -1}, open_ended=False)


def test_a_missing_field_is_named_with_all_that_are_required() -> None:
    known = [
        Field("a", fields.TEXT),
        Field("b", fields.TEXT),
        Field("c", fields.TEXT, required=False),
    ]
    with pytest.raises(InvalidEvent, match="it has no field 'b'") as caught:
        check_fields("it", known, {"a": ""}, open_ended=False)
    assert caught.value.hint == "it requires: a, b"


def test_an_unknown_field_is_refused_unless_there_may_be_more() -> None:
    check_fields("it", [], {"x": 1}, open_ended=True)
    with pytest.raises(InvalidEvent, match="it has no field 'x'") as caught:
        check_fields("it", [], {"x": 1}, open_ended=False)
    assert caught.value.hint == "it has none"
    with pytest.raises(InvalidEvent) as caught:
        check_fields("it", [Field("a", fields.JSON)], {"a": 1, "x": 1}, open_ended=False)
    assert caught.value.hint == "it has a"


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (1.5, "1.5"),
        ("a", "the text 'a'"),
        ([], "a list"),
        ((), "a list"),
        ({}, "an object"),
        (b"", "a bytes"),
    ],
)
def test_values_are_called_what_json_calls_them(value: object, name: str) -> None:
    assert name_of(value) == name
