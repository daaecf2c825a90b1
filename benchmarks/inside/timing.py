"""What the measuring programs share: figures out as one line of JSON."""

from __future__ import annotations

import json
import sys


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
