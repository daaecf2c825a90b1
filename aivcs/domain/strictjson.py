"""JSON and nothing beyond it: every number finite, no value nested over one fixed bound."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Final, NoReturn

if TYPE_CHECKING:
    from aivcs.domain.canonical import Json

MAX_DEPTH: Final = 100
"""How many lists and objects a stored value may have inside one another."""

AS_OBJECT: Final = "store the data as an object and name its digest"
AS_TEXT: Final = "store a very long integer as text"
FINITE: Final = "use null or text"

_NOT_FINITE: Final = "is not a finite number"
_TOO_DEEP: Final = "nested too deeply"
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[][{}]', re.DOTALL)


def finite(text: str) -> float:
    """Return the number of a text; ValueError when it is beyond an IEEE double."""
    number = float(text)
    return number if math.isfinite(number) else refuse(text)


def refuse(text: str) -> NoReturn:
    """Raise ValueError for a number that JSON does not have."""
    msg = f"{text[:40]} {_NOT_FINITE}"
    raise ValueError(msg)


DECODER: Final = json.JSONDecoder(parse_float=finite, parse_constant=refuse)


def loads(text: str, *, deepest: int = MAX_DEPTH, decoder: json.JSONDecoder = DECODER) -> Json:
    """Return the value of a JSON text that is nested up to ``deepest`` levels.

    Raises ValueError, and RecursionError only where the caller left no room on the stack
    for a value within the bound.
    """
    try:
        value: Json = decoder.decode(text)
    except RecursionError:
        _check_depth(text, deepest)
        raise
    if text.count("[") + text.count("{") > deepest and is_deeper(value, deepest):
        _check_depth(text, deepest)
    return value


def not_json(value: object) -> str:
    """Return the sentence that says of a value's type that JSON does not have it."""
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name} is not a JSON value"


def remedy(error: ValueError) -> str | None:
    """Return what helps against an error of ``loads``; None for text that is no JSON at all."""
    if isinstance(error, json.JSONDecodeError):
        return AS_OBJECT if error.msg.startswith(_TOO_DEEP) else None
    return FINITE if str(error).endswith(_NOT_FINITE) else AS_TEXT


def is_deeper(value: object, levels: int) -> bool:
    """Tell whether lists and objects are nested over so many levels; it needs no stack."""
    inner = [value] if isinstance(value, dict | list | tuple) else []
    for _ in range(levels):
        inner = [
            item
            for box in inner
            for item in (box.values() if isinstance(box, dict) else box)
            if isinstance(item, dict | list | tuple)
        ]
        if not inner:
            return False
    return bool(inner)


def _check_depth(text: str, deepest: int) -> None:
    """Raise ValueError at the bracket that opens one level too many."""
    depth = 0
    for token in _TOKEN.finditer(text):
        if token[0] in "[{":
            depth += 1
        elif token[0] in "]}":
            depth -= 1
        if depth > deepest:
            msg = f"{_TOO_DEEP}, over {deepest} levels"
            raise json.JSONDecodeError(msg, text, token.start())
