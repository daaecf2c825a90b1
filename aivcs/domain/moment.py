"""Points in time: aware, UTC, whole microseconds, RFC 3339 when written."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from aivcs.domain.shown import shown
from aivcs.errors import InvalidInputError

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_FORM: Final = re.compile(
    r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:)(\d\d)((?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?)", re.ASCII
)


def as_utc(moment: object) -> datetime:
    """Return an aware datetime in UTC; InvalidInputError for naive ones and what is no moment."""
    if not isinstance(moment, datetime) or moment.utcoffset() is None:
        msg = f"not an aware datetime: {shown(moment)}"
        raise InvalidInputError(msg, hint="use datetime.now(UTC) or a text with an offset")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        msg = f"outside the years 1 to 9999 in UTC: {moment!r}"
        raise InvalidInputError(msg) from error


def parse(text: object, *, naive_is_utc: bool = False) -> datetime:
    """Read an RFC 3339 text; without an offset only when ``naive_is_utc``.

    A leap second is the second after it. Raises InvalidInputError for everything else.
    """
    found = _FORM.fullmatch(text.upper()) if isinstance(text, str) else None
    if found is None:
        raise _not_a_time(text)
    leap = timedelta(seconds=found[2] == "60")
    try:
        moment = datetime.fromisoformat(f"{found[1]}{'59' if leap else found[2]}{found[3]}") + leap
    except (ValueError, OverflowError) as error:
        raise _not_a_time(text) from error
    if moment.tzinfo is None and naive_is_utc:
        moment = moment.replace(tzinfo=UTC)
    return as_utc(moment)


def _not_a_time(text: object) -> InvalidInputError:
    return InvalidInputError(
        f"not an RFC 3339 time: {shown(text)}", hint="for example 2026-01-31T12:00:00Z"
    )


def text(moment: datetime) -> str:
    """Write RFC 3339 in UTC with ``Z``; microseconds only when there are any."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def to_micros(moment: datetime) -> int:
    """Return whole microseconds since 1970-01-01T00:00:00Z."""
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """Return the moment that ``to_micros`` gave."""
    return _EPOCH + timedelta(microseconds=micros)
