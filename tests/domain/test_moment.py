from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aivcs.domain import moment
from aivcs.errors import InvalidInputError

AWARE = st.datetimes(
    datetime(1, 1, 3),  # noqa: DTZ001 - Hypothesis asks for naive bounds
    datetime(9999, 12, 29),  # noqa: DTZ001 - likewise
    timezones=st.builds(timezone, st.timedeltas(timedelta(hours=-23), timedelta(hours=23))),
)


@given(AWARE)
def test_microseconds_come_back(when: datetime) -> None:
    assert moment.from_micros(moment.to_micros(when)) == when
    assert moment.from_micros(moment.to_micros(when)).tzinfo is UTC


@given(AWARE)
def test_text_comes_back(when: datetime) -> None:
    assert moment.parse(moment.text(when)) == when
    assert moment.text(when).endswith("Z")


def test_known_answers() -> None:
    when = datetime(2024, 6, 1, 14, 0, tzinfo=timezone(timedelta(hours=2)))
    assert moment.text(when) == "2024-06-01T12:00:00Z"
    assert moment.text(when.replace(microsecond=5)) == "2024-06-01T12:00:00.000005Z"
    assert moment.to_micros(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)) == 1_000_000
    assert moment.parse("2024-06-01T12:00:00Z") == when
    assert moment.parse("2024-06-01T14:00:00+02:00") == when
    assert moment.parse("2024-06-01T12:00:00", naive_is_utc=True) == when
    assert moment.parse("2024-06-01t12:00:00z") == when
    assert moment.parse("2024-06-01T11:59:60Z") == when


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2024-06-01",
        "2024-06-01T12:00:00",
        "2024-13-01T00:00:00Z",
        "9999-12-31T23:59:60Z",
        "20240601T120000Z",
        "2024-W22-6T12:00:00Z",
        5,
    ],
)
def test_bad_texts(text: Any) -> None:
    with pytest.raises(InvalidInputError):
        moment.parse(text)


NAIVE = datetime(2024, 6, 1)  # noqa: DTZ001 - the mistake to be refused


@pytest.mark.parametrize("value", [NAIVE, "2024-06-01T12:00:00Z", None])
def test_only_aware_datetimes_are_moments(value: object) -> None:
    with pytest.raises(InvalidInputError, match="not an aware datetime"):
        moment.as_utc(value)
