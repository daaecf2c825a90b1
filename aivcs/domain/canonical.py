"""Canonical JSON as RFC 8785 (JCS) has it: one value, one text.

Used where a digest is taken over structure (specs, trees). It is not used for event
bodies, which are stored and compared as the text they were encoded to.
"""

from __future__ import annotations

import json
import math
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Final, TypeAlias

from aivcs.domain import strictjson
from aivcs.domain.shown import shown
from aivcs.domain.strictjson import MAX_DEPTH
from aivcs.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"

MAX_SAFE_INTEGER: Final = 2**53 - 1
_FIXED_LIMIT: Final = 21
_SMALL_LIMIT: Final = -6


def dumps(value: object) -> bytes:
    """Encode ``value`` as canonical JSON in UTF-8.

    Whole floats become integers; keys are sorted by UTF-16 code units. Raises
    InvalidInputError for NaN, infinities, integers beyond 2**53 - 1, lone surrogates,
    keys that are not text, values JSON does not have, and nesting over 100 levels.
    Contract: RFC 8785.
    """
    out: list[str] = []
    try:
        _write(value, out, MAX_DEPTH)
        return "".join(out).encode()
    except UnicodeEncodeError as error:
        msg = "a text holds a lone surrogate, which canonical JSON cannot express"
        raise InvalidInputError(msg) from error


def loads(text: bytes | str) -> Json:
    """Decode JSON so that ``dumps`` can encode it again.

    Integers beyond 2**53 - 1 become floats, as every RFC 8785 number is an IEEE double.
    Raises InvalidInputError for anything that is not JSON in UTF-8, for numbers beyond a
    double, and for nesting over 100 levels.
    """
    try:
        whole = text if isinstance(text, str) else text.decode()
        return strictjson.loads(whole, decoder=_DECODER)
    except ValueError as error:
        msg = f"not JSON: {error}"
        raise InvalidInputError(msg) from error


def _integer(text: str) -> int | float:
    number = int(text)
    return number if abs(number) <= MAX_SAFE_INTEGER else strictjson.finite(text)


_DECODER: Final = json.JSONDecoder(
    parse_int=_integer, parse_float=strictjson.finite, parse_constant=strictjson.refuse
)

# Texts of ASCII are in one order by any unit; the module's own encoder is the faster one.
_FLAT: Final = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))
_PLAIN: Final = frozenset({str, bool, type(None)})


def _write(value: object, out: list[str], levels: int) -> None:
    if value is None:
        out.append("null")
    elif value is True:
        out.append("true")
    elif value is False:
        out.append("false")
    elif isinstance(value, str):
        out.append(encode_basestring(value))
    elif isinstance(value, int):
        if abs(value) > MAX_SAFE_INTEGER:
            msg = "an integer is beyond 2**53 - 1, which canonical JSON cannot express"
            raise InvalidInputError(msg, hint="store it as text")
        out.append(int.__repr__(value))
    elif isinstance(value, float):
        out.append(number_text(value))
    elif isinstance(value, dict | list | tuple):
        _write_nested(value, out, levels)
    else:
        raise InvalidInputError(strictjson.not_json(value))


def _write_nested(
    value: dict[object, object] | list[object] | tuple[object, ...], out: list[str], levels: int
) -> None:
    if not levels:
        msg = f"the value is nested too deeply, over {MAX_DEPTH} levels"
        raise InvalidInputError(msg)
    if isinstance(value, dict):
        _write_object(value, out, levels - 1)
    else:
        _write_array(value, out, levels - 1)


def _write_array(value: Sequence[object], out: list[str], levels: int) -> None:
    separator = "["
    for item in value:
        out.append(separator)
        _write(item, out, levels)
        separator = ","
    out.append("]" if value else "[]")


def _write_object(value: Mapping[object, object], out: list[str], levels: int) -> None:
    flat = True
    for key, item in value.items():
        if not isinstance(key, str):
            msg = f"a JSON object's key must be text, not {type(key).__name__}: {shown(key)}"
            raise InvalidInputError(msg)
        flat = flat and type(key) is str and key.isascii() and _is_plain(item)
    if flat:
        out.append(_FLAT.encode(value))
        return
    separator = "{"
    for key in sorted(value, key=_utf16):
        out.append(f"{separator}{encode_basestring(str(key))}:")
        _write(value[key], out, levels)
        separator = ","
    out.append("}" if value else "{}")


def _is_plain(value: object) -> bool:
    """Tell whether every encoder writes a value alike."""
    kind = type(value)
    return kind in _PLAIN or (kind is int and -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER)  # type: ignore[operator]


def _utf16(key: object) -> bytes:
    return str(key).encode("utf-16-be")


def number_text(value: float) -> str:
    """Return the ECMAScript text of an IEEE double (RFC 8785, section 3.2.2.3).

    Raises InvalidInputError for NaN and infinities.
    """
    if not math.isfinite(value):
        msg = f"{value} is not a JSON number"
        raise InvalidInputError(msg)
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = float.__repr__(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0)
    if whole == "0":
        point -= 1 + len(fraction) - len(fraction.lstrip("0"))
    digits = digits.rstrip("0") or "0"
    return sign + _place(digits, point)


def _place(digits: str, point: int) -> str:
    """Place the decimal point: the number is 0.DIGITS times ten to the power ``point``."""
    count = len(digits)
    if count <= point <= _FIXED_LIMIT:
        return digits + "0" * (point - count)
    if 0 < point <= _FIXED_LIMIT:
        return f"{digits[:point]}.{digits[point:]}"
    if _SMALL_LIMIT < point <= 0:
        return "0." + "0" * -point + digits
    tail = f".{digits[1:]}" if count > 1 else ""
    return f"{digits[0]}{tail}e{point - 1:+d}"
