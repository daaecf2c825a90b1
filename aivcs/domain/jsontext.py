"""The JSON text of an event's body: encoded once, then stored and compared verbatim.

Key order is the caller's. Unlike canonical JSON this form keeps every integer and is
cheap enough for the path every event takes.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Final

from aivcs.domain import strictjson
from aivcs.domain.shown import shown
from aivcs.domain.strictjson import MAX_DEPTH
from aivcs.errors import CorruptionError, InvalidEvent

if TYPE_CHECKING:
    from collections.abc import Callable

    from aivcs.domain.canonical import Json

_LAX: Final = (False, False, False)
"""Keys are not sorted, none is left out, no number is infinite."""
MAX_BODY: Final = 64 * 1024 * 1024
"""The longest body in bytes; larger data belongs into an object."""


def _writer(encoder: json.JSONEncoder) -> Callable[[object], str]:
    """Return what ``encoder.encode`` does, without what that makes anew for each value."""
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return encoder.encode
    # The arguments that the encoder itself passes; without marks it keeps no state.
    pieces = make(None, encoder.default, json.encoder.encode_basestring, None, ":", ",", *_LAX)
    return lambda value: "".join(pieces(value, 0))


# Circles are found by depth, before anything is encoded.
_ENCODER: Final = json.JSONEncoder(
    check_circular=False, ensure_ascii=False, separators=(",", ":"), allow_nan=False
)
_encode: Final = _writer(_ENCODER)
_ESCAPING: Final = json.JSONEncoder(check_circular=False, separators=(",", ":"), allow_nan=False)
_PLAIN: Final = frozenset({str, int, bool, type(None)})
_NESTED: Final = frozenset({dict, list, tuple})


def encode(value: object) -> str:
    """Return compact JSON that UTF-8 can carry.

    Raises InvalidEvent for NaN, infinities, integers of thousands of digits, keys that are
    not text, values JSON does not have, nesting over 100 levels, and bodies over 64 MiB.
    """
    _check(value, 0)
    try:
        text = _encode(value)
        if not text.isascii():
            try:
                size = len(text.encode())
            except UnicodeEncodeError:
                text = _ESCAPING.encode(value)
                size = len(text)
        else:
            size = len(text)
    except ValueError as error:
        msg = f"the payload cannot be written as JSON: {error}"
        raise InvalidEvent(msg, hint=strictjson.AS_TEXT) from error
    if size > MAX_BODY:
        msg = f"the payload is {size} bytes long, over the limit of {MAX_BODY}"
        raise InvalidEvent(msg, hint=strictjson.AS_OBJECT)
    return text


def decode(text: str | bytes) -> Json:
    """Return the value of a stored body; CorruptionError if ``encode`` cannot have made it."""
    try:
        return strictjson.loads(text if isinstance(text, str) else text.decode())
    except ValueError as error:
        msg = f"a stored body is not JSON: {error}"
        raise CorruptionError(msg) from error


def _check(value: object, depth: int) -> None:
    """Look at a value and all inside of it; what is common is looked at on the spot."""
    kind = type(value)
    if depth == MAX_DEPTH and kind in _NESTED:
        msg = f"the payload is nested too deeply, over {MAX_DEPTH} levels"
        raise InvalidEvent(msg, hint=strictjson.AS_OBJECT)
    if kind is dict:
        for key, item in value.items():  # type: ignore[attr-defined]
            if type(key) is not str:
                _check_key(key)
            if type(item) not in _PLAIN:
                _check(item, depth + 1)
    elif kind is list or kind is tuple:
        for item in value:  # type: ignore[attr-defined]
            if type(item) not in _PLAIN:
                _check(item, depth + 1)
    elif kind is float or kind not in _PLAIN:
        _check_rare(value, depth)


def _check_rare(value: object, depth: int) -> None:
    if isinstance(value, float):
        if not math.isfinite(value):
            msg = f"{value} is not a JSON number"
            raise InvalidEvent(msg, hint=strictjson.FINITE)
    elif isinstance(value, dict):
        _check({_check_key(key): item for key, item in value.items()}, depth)
    elif isinstance(value, list | tuple):
        _check(list(value), depth)
    elif not isinstance(value, str | int):
        msg = strictjson.not_json(value)
        raise InvalidEvent(msg, hint="payloads hold text, numbers, booleans, null, lists, objects")


def _check_key(key: object) -> str:
    if not isinstance(key, str):
        msg = f"a payload's key must be text, not {type(key).__name__}: {shown(key)}"
        raise InvalidEvent(msg, hint="make the key a text")
    return key
