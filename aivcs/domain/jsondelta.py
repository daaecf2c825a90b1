"""Where two JSON values differ, by JSON pointers (RFC 6901)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aivcs.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aivcs.domain.canonical import Json

_FORM: Final = re.compile(r"(?:/(?:[^~/]|~[01])*)*", re.DOTALL)
_INDEX: Final = re.compile(r"0|[1-9][0-9]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Delta:
    """A place where two values differ; what is absent is null there."""

    pointer: str
    before: Json
    after: Json

    def to_dict(self) -> dict[str, Json]:
        """Return it as JSON."""
        return {"pointer": self.pointer, "before": self.before, "after": self.after}


def deltas(a: Json, b: Json, pointers: Iterable[str] | None = None) -> tuple[Delta, ...]:
    """Return where ``b`` differs from ``a``.

    With ``pointers`` only these places are compared, whole, in the order given; without,
    every innermost place that differs. What is absent equals null. InvalidInputError for a
    text that is no JSON pointer.
    """
    if pointers is None:
        return tuple(_walk("", a, b))
    found = ((pointer, resolve(a, pointer), resolve(b, pointer)) for pointer in pointers)
    return tuple(Delta(*place) for place in found if not same(place[1], place[2]))


def resolve(value: Json, pointer: str) -> Json:
    """Return what a pointer points at; None where there is nothing.

    InvalidInputError for a text that is no JSON pointer.
    """
    if _FORM.fullmatch(pointer) is None:
        msg = f"not a JSON pointer: {pointer!r}"
        raise InvalidInputError(msg, hint="for example /memory/0/context; the whole value is ''")
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list | tuple):
            value = _item(value, name)
        else:
            return None
    return value


def _item(items: Sequence[Json], name: str) -> Json:
    if _INDEX.fullmatch(name) is None or len(name) > len(str(len(items))):
        return None
    return items[int(name)] if int(name) < len(items) else None


def same(a: Json, b: Json) -> bool:
    """Tell whether two values are one JSON value; keys have no order.

    1, 1.0 and true are three values, 0.0 and -0.0 are two.
    """
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(item, b[name]) for name, item in a.items())
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float) and isinstance(b, float):
        return repr(a) == repr(b)
    return _kind(a) == _kind(b) and a == b


def _walk(place: str, a: Json, b: Json) -> Iterator[Delta]:
    if isinstance(a, dict) and isinstance(b, dict):
        for name in {**a, **b}:
            token = name.replace("~", "~0").replace("/", "~1")
            yield from _walk(f"{place}/{token}", a.get(name), b.get(name))
    elif isinstance(a, list | tuple) and isinstance(b, list | tuple):
        for index in range(max(len(a), len(b))):
            before = a[index] if index < len(a) else None
            after = b[index] if index < len(b) else None
            yield from _walk(f"{place}/{index}", before, after)
    elif not same(a, b):
        yield Delta(place, a, b)


def _kind(value: Json) -> type:
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind
    return type(None) if value is None else object
