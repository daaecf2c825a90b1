"""What differs between two JSON values, place by place, with lists aligned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from aivcs.domain.jsondelta import same
from aivcs.domain.listalign import pair
from aivcs.domain.valuepath import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aivcs.domain.canonical import Json


class ValueKind(StrEnum):
    """How a place differs; ``moved`` is an item of a list that stands elsewhere in it."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    MOVED = "moved"


@dataclass(frozen=True, slots=True)
class ValueChange:
    """A place that differs.

    ``old`` is None for an added place, ``new`` for a removed one, both for a moved one. The
    pointers (RFC 6901) are into the old and the new value, None where there is no such place.
    """

    path: str
    kind: ValueKind
    old: Json
    new: Json
    old_pointer: str | None
    new_pointer: str | None


def value_diff(old: Json, new: Json) -> tuple[ValueChange, ...]:
    """Return every innermost place in which two values differ; nothing for equal ones.

    Keys have no order. 1, 1.0 and true are three values. Items of a list are aligned by the
    member that names them, else so that most items stay (see ``listalign``).
    """
    return tuple(_walk(Place(), old, new))


def _walk(place: Place, a: Json, b: Json) -> Iterator[ValueChange]:
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        yield from _objects(place, a, b)
    elif isinstance(a, list | tuple) and isinstance(b, list | tuple):
        yield from _lists(place, a, b)
    elif not same(a, b):
        yield ValueChange(place.path, ValueKind.CHANGED, a, b, place.old, place.new)


def _objects(place: Place, a: Mapping[str, Json], b: Mapping[str, Json]) -> Iterator[ValueChange]:
    for name in {**a, **b}:
        inner = place.key(name)
        if name not in b:
            yield _removed(inner, a[name])
        elif name not in a:
            yield _added(inner, b[name])
        else:
            yield from _walk(inner, a[name], b[name])


def _lists(place: Place, a: Sequence[Json], b: Sequence[Json]) -> Iterator[ValueChange]:
    for one, other, name, moved, equal in pair(a, b):
        if one is not None and other is not None:
            inner = place.item(one, other, name)
            if moved:
                yield ValueChange(inner.path, ValueKind.MOVED, None, None, inner.old, inner.new)
            if not equal:
                yield from _walk(inner, a[one], b[other])
        elif one is not None:
            yield _removed(place.item(one, one, name), a[one])
        elif other is not None:
            yield _added(place.item(other, other, name), b[other])


def _added(place: Place, value: Json) -> ValueChange:
    return ValueChange(place.path, ValueKind.ADDED, None, value, None, place.new)


def _removed(place: Place, value: Json) -> ValueChange:
    return ValueChange(place.path, ValueKind.REMOVED, value, None, place.old, None)
