"""Which item of one list became which item of another."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import zip_longest
from typing import TYPE_CHECKING, Final, NamedTuple

from aivcs.domain.alignment import align
from aivcs.domain.jsondelta import same
from aivcs.domain.valuepath import called

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aivcs.domain.canonical import Json

MAX_ITEMS: Final = 10_000
"""Lists of more items are compared item by item, as they stand."""

NAMING: Final = (("name",), ("function", "name"), ("id",), ("key",), ("path",))
"""The members that name an item, the first one first that names all items of both lists."""


class Pair(NamedTuple):
    """Places of one item in both lists; ``old`` is None for a new item, ``new`` for a lost one.

    ``name`` is how the item is called where a member names it. ``moved`` says that it
    changed its place among those that stayed, ``equal`` that it is known to be the same.
    """

    old: int | None
    new: int | None
    name: str | None = None
    moved: bool = False
    equal: bool = False


def pair(a: Sequence[Json], b: Sequence[Json]) -> list[Pair]:
    """Return which item became which: those of the new list in order, lost ones where they were.

    Where a member names every item of both lists, once in each, names decide. Else equal
    items are paired so that as many as possible keep their order, then equal ones that
    moved, and what is left between two of them is paired by its place.
    """
    if max(len(a), len(b)) > MAX_ITEMS:
        return list(_by_place(a, b))
    for way in NAMING:
        names, others = _names(a, way), _names(b, way)
        if names and others and not names.keys().isdisjoint(others):
            return _by_name(names, others, ".".join(way))
    if len(a) == len(b) == 1:
        return [Pair(0, 0)]
    return _by_content(a, b)


def _by_place(a: Sequence[Json], b: Sequence[Json]) -> Iterator[Pair]:
    for one, other in zip_longest(range(len(a)), range(len(b))):
        both = one is not None and other is not None
        yield Pair(one, other, equal=both and same(a[one], b[other]))


def _names(items: Sequence[Json], way: Sequence[str]) -> dict[str, int]:
    """Return the places of the items by their names; nothing unless all have one of their own."""
    found: dict[str, int] = {}
    for place, item in enumerate(items):
        value: Json = item
        for key in way:
            value = value.get(key) if isinstance(value, Mapping) else None
        if not isinstance(value, str) or value in found:
            return {}
        found[value] = place
    return found


def _by_name(a: Mapping[str, int], b: Mapping[str, int], member: str) -> list[Pair]:
    shared = [name for name in a if name in b]
    others = [name for name in b if name in a]
    stayed = {shared[one] for one, _ in align(shared, others)}
    found = [
        Pair(a.get(name), place, called(member, name), name in a and name not in stayed)
        for name, place in b.items()
    ]
    lost = [Pair(place, None, called(member, name)) for name, place in a.items() if name not in b]
    return _in_order(found, lost)


def _by_content(a: Sequence[Json], b: Sequence[Json]) -> list[Pair]:
    texts, others = _texts(a), _texts(b)
    kept = align(texts, others)
    gone = set(range(len(a))).difference(one for one, _ in kept)
    come = set(range(len(b))).difference(other for _, other in kept)
    moved = list(_moves(texts, others, gone, come))
    gone.difference_update(one for one, _ in moved)
    come.difference_update(other for _, other in moved)
    replaced = list(_replaced(kept, gone, come, (len(a), len(b))))
    gone.difference_update(one for one, _ in replaced)
    come.difference_update(other for _, other in replaced)
    found = [Pair(one, other) for one, other in replaced]
    found += [Pair(one, other, equal=True) for one, other in kept]
    found += [Pair(one, other, moved=True, equal=True) for one, other in moved]
    found += [Pair(None, other) for other in come]
    return _in_order(found, [Pair(one, None) for one in sorted(gone)])


def _texts(items: Iterable[Json]) -> list[str]:
    return [json.dumps(item, sort_keys=True) for item in items]


def _moves(
    a: Sequence[str], b: Sequence[str], gone: Iterable[int], come: Iterable[int]
) -> Iterator[tuple[int, int]]:
    waiting: dict[str, list[int]] = {}
    for place in sorted(gone, reverse=True):
        waiting.setdefault(a[place], []).append(place)
    for place in sorted(come):
        if places := waiting.get(b[place]):
            yield places.pop(), place


def _replaced(
    kept: Iterable[tuple[int, int]], gone: set[int], come: set[int], ends: tuple[int, int]
) -> Iterator[tuple[int, int]]:
    """Yield pairs of what is left between two items that stayed, by place."""
    i = j = 0
    for one, other in [*kept, ends]:
        left = [place for place in range(i, one) if place in gone]
        right = [place for place in range(j, other) if place in come]
        yield from zip(left, right, strict=False)
        i, j = one + 1, other + 1


def _in_order(found: Iterable[Pair], lost: Iterable[Pair]) -> list[Pair]:
    """Return pairs by their place in the new list; each lost item before what stood behind it."""
    ordered = sorted(found, key=lambda one: -1 if one.new is None else one.new)
    waiting = list(lost)
    out: list[Pair] = []
    for one in ordered:
        while waiting and one.old is not None and not one.moved and _before(waiting[0], one):
            out.append(waiting.pop(0))
        out.append(one)
    return out + waiting


def _before(lost: Pair, one: Pair) -> bool:
    return lost.old is not None and one.old is not None and lost.old < one.old
