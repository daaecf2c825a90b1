"""A longest common subsequence of two sequences of names."""

from __future__ import annotations

from math import isqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def align(a: Sequence[str], b: Sequence[str]) -> list[tuple[int, int]]:
    """Return the pairs of places of a longest common subsequence, ascending in both.

    Rows of the table are whole numbers of one bit a place (the algorithm of Hyyrö), and only
    every so many of them are kept: n names against m take about n * m / 64 steps and
    sqrt(n) * m / 4 bytes.
    """
    low = 0
    while low < min(len(a), len(b)) and a[low] == b[low]:
        low += 1
    high = 0
    while high < min(len(a), len(b)) - low and a[-1 - high] == b[-1 - high]:
        high += 1
    middle = _aligned(a[low : len(a) - high], b[low : len(b) - high])
    return [
        *((place, place) for place in range(low)),
        *((low + one, low + other) for one, other in middle),
        *((len(a) - rest, len(b) - rest) for rest in range(high, 0, -1)),
    ]


def _aligned(a: Sequence[str], b: Sequence[str]) -> list[tuple[int, int]]:
    places: dict[str, int] = {}
    for place, name in enumerate(b):
        places[name] = places.get(name, 0) | 1 << place
    full = (1 << len(b)) - 1
    stride = isqrt(len(a)) + 1
    kept: list[int] = []
    row = full
    for place, name in enumerate(a):
        if not place % stride:
            kept.append(row)
        row = _next(row, places.get(name, 0), full)
    pairs: list[tuple[int, int]] = []
    column = len(b)
    for block in range(len(kept) - 1, -1, -1):
        start = block * stride
        rows = [kept[block]]
        for name in a[start : start + stride]:
            rows.append(_next(rows[-1], places.get(name, 0), full))
        line = len(rows) - 1
        while line and column:
            # A bit that is not set says that the subsequence grew at this place.
            if rows[line] >> column - 1 & 1:
                column -= 1
                continue
            line -= 1
            if rows[line] >> column - 1 & 1:
                column -= 1
                pairs.append((start + line, column))
    return pairs[::-1]


def _next(row: int, matches: int, full: int) -> int:
    found = row & matches
    return (row + found | row - found) & full
