"""What a field of an event's payload may hold, and the errors that name the field."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aivcs.domain.shown import shown
from aivcs.errors import InvalidEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


@dataclass(frozen=True, slots=True)
class FieldType:
    """A set of JSON values; ``says`` names it in errors."""

    says: str
    fits: Callable[[object], bool]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a payload. An optional one may be absent or null."""

    name: str
    type: FieldType
    required: bool = True


def _whole(low: int, high: int) -> Callable[[object], bool]:
    return lambda value: (
        isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
    )


def _finite(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, int) or math.isfinite(value)


def _texts(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)


TEXT: Final = FieldType("a text", lambda value: isinstance(value, str))
NAME: Final = FieldType(
    "a text that is not empty", lambda value: isinstance(value, str) and bool(value)
)
COUNT: Final = FieldType("a whole number from 0", _whole(0, 2**64 - 1))
SMALL_COUNT: Final = FieldType("a whole number from 0 to 2**32 - 1", _whole(0, 2**32 - 1))
ORDINAL: Final = FieldType("a whole number from 1", _whole(1, 2**32 - 1))
WHOLE: Final = FieldType("a whole number", _whole(-(2**63), 2**63 - 1))
HTTP_STATUS: Final = FieldType("a whole number from 0 to 65535", _whole(0, 2**16 - 1))
NUMBER: Final = FieldType("a finite number", _finite)
FLAG: Final = FieldType("true or false", lambda value: isinstance(value, bool))
TEXTS: Final = FieldType("a list of texts", _texts)
OBJECT: Final = FieldType("an object", lambda value: isinstance(value, dict))
JSON: Final = FieldType("a JSON value", lambda _: True)


def one_of(words: Iterable[str]) -> FieldType:
    """Return the type of a text that is one of ``words``."""
    allowed = tuple(words)
    return FieldType(
        f"one of {', '.join(allowed)}", lambda value: isinstance(value, str) and value in allowed
    )


def check_fields(
    where: str, fields: Iterable[Field], found: Mapping[str, object], *, open_ended: bool
) -> None:
    """Raise InvalidEvent naming the first field that is missing or of a wrong type.

    Unless ``open_ended`` a field that is not among ``fields`` is refused too: it would be
    lost. ``where`` says in errors what has the fields.
    """
    known = tuple(fields)
    for field in known:
        if field.name not in found:
            if field.required:
                required = ", ".join(one.name for one in known if one.required)
                msg = f"{where} has no field {field.name!r}"
                raise InvalidEvent(msg, hint=f"it requires: {required}")
            continue
        value = found[field.name]
        if value is None and not field.required:
            continue
        if not field.type.fits(value):
            raise mismatch(where, field.name, field.type, value)
    if open_ended:
        return
    names = [field.name for field in known]
    for name in found:
        if name not in names:
            msg = f"{where} has no field {shown(name)}"
            raise InvalidEvent(msg, hint=f"it has {', '.join(names) or 'none'}")


def mismatch(where: str, name: str, wanted: FieldType, value: object) -> InvalidEvent:
    """Return the error for a field of a wrong type."""
    return InvalidEvent(
        f"the field {name!r} of {where} must be {wanted.says}, not {name_of(value)}"
    )


def name_of(value: object) -> str:
    """Return what JSON calls a value, with the value where it is short."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return shown(value, 40)
    if isinstance(value, str):
        return f"the text {value!r:.40}"
    if isinstance(value, list | tuple):
        return "a list"
    return "an object" if isinstance(value, dict) else f"a {type(value).__name__}"
