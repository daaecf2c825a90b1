"""Points in time: aware, UTC, whole microseconds, RFC 3339 when written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from aivcs.errors import InvalidInputError

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def as_utc(moment: object) -> datetime:
    """Return an aware datetime in UTC; InvalidInputError for naive ones and what is no moment."""
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        msg = f"not an aware datetime: {moment!r}"
        raise InvalidInputError(msg, hint="use datetime.now(UTC) or a text with an offset")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        msg = f"outside the years 1 to 9999 in UTC: {moment!r}"
        raise InvalidInputError(msg) from error


def parse(text: str, *, naive_is_utc: bool = False) -> datetime:
    """Read an RFC 3339 text; without an offset only when ``naive_is_utc``.

    Raises InvalidInputError for everything else.
    """
    try:
        moment = datetime.fromisoformat(text)
    except (ValueError, TypeError) as error:
        msg = f"not an RFC 3339 time: {text!r}"
        raise InvalidInputError(msg, hint="for example 2026-01-31T12:00:00Z") from error
    if moment.tzinfo is None and naive_is_utc:
        moment = moment.replace(tzinfo=UTC)
    return as_utc(moment)


def text(moment: datetime) -> str:
    """Write RFC 3339 in UTC with ``Z``; microseconds only when there are any."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def to_micros(moment: datetime) -> int:
    """Return whole microseconds since 1970-01-01T00:00:00Z."""
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """Return the moment that ``to_micros`` gave."""
    return _EPOCH + timedelta(microseconds=micros)
