"""JSON values that callers hand in and get back: what they may be, and their text."""

from __future__ import annotations

from typing import Any

from aivcs.domain import jsontext, strictjson
from aivcs.errors import InvalidEvent, InvalidInputError


def json_text(what: str, value: object) -> str:
    """Return a value as JSON text; InvalidInputError for what JSON does not have."""
    try:
        return jsontext.encode(value)
    except InvalidEvent as error:
        msg = f"{what} cannot be written as JSON: {error.message}"
        raise InvalidInputError(msg, hint=error.hint) from error


def json_value(what: str, text: str | bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Return the value of a JSON text; InvalidInputError for any other text."""
    try:
        return strictjson.loads(text if isinstance(text, str) else text.decode())
    except ValueError as error:
        msg = f"{what} is not JSON: {error}"
        raise InvalidInputError(msg, hint=strictjson.remedy(error)) from error


def is_count(value: object) -> bool:
    """Tell whether it is a whole number from 0 on."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
