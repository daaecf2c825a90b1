"""Counting what was checked, for the report and for whoever waits for it."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Tally:
    """How many objects, runs, events and releases were checked; ``advance`` hears of each."""

    def __init__(self, advance: Callable[[], None]) -> None:
        self._advance = advance
        self.checked = {"objects": 0, "runs": 0, "events": 0, "releases": 0}

    def count(self, what: str, number: int = 1) -> None:
        """Count so many that were checked just now."""
        self.add(what, number)
        self.step(number)

    def add(self, what: str, number: int = 1) -> None:
        """Count so many of which ``advance`` hears elsewhere."""
        self.checked[what] += number

    def step(self, number: int) -> None:
        """Tell ``advance``."""
        for _ in repeat(None, number):
            self._advance()
