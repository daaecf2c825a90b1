"""What the measuring programs share: figures out as one line of JSON."""

from __future__ import annotations

import json
import sys
from time import perf_counter, process_time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def say(**figures: float) -> None:
    """Print figures for the benchmark that started this program."""
    json.dump(figures, sys.stdout)


def lines(path: str) -> list[bytes]:
    """Return the documents of a file that holds one a line."""
    with open(path, "rb") as file:  # noqa: PTH123 - quick to start
        return file.read().splitlines()


def middle(values: list[float], part: float = 0.5) -> float:
    """Return the value below which ``part`` of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def in_turn(moves: Mapping[str, Callable[[], object]], turns: int) -> dict[str, float]:
    """Call each move in turn; return the middle of its seconds, and of its CPU seconds."""
    took: dict[str, list[float]] = {}
    for move in moves.values():
        move()
    for _ in range(turns):
        for name, move in moves.items():
            start, cpu = perf_counter(), process_time()
            move()
            done, used = perf_counter() - start, process_time() - cpu
            took.setdefault(name, []).append(done)
            took.setdefault(f"{name} CPU", []).append(used)
    return {name: middle(values) for name, values in took.items()}
