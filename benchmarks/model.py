"""What a benchmark found, as values and as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Measured:
    """One repetition of one side: its value in the unit of the result, and more figures."""

    value: float
    facts: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the stores compared: what it ran, what makes that durable, what was measured."""

    name: str
    ran: str
    durable: str
    measured: tuple[Measured, ...]

    @property
    def values(self) -> tuple[float, ...]:
        """Return the value of each repetition, in order."""
        return tuple(one.value for one in self.measured)

    def fact(self, name: str) -> tuple[float, ...]:
        """Return a named figure of each repetition, in order."""
        return tuple(one.facts[name] for one in self.measured)


@dataclass(frozen=True, slots=True)
class Bar:
    """What is to be reached: a ratio to another side, or without one a plain figure.

    ``of`` names a fact; empty, the value itself is meant.
    """

    ours: str
    other: str = ""
    at_least: float | None = None
    at_most: float | None = None
    of: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """One comparison; every side was measured once in each repetition, in turn."""

    row: int
    title: str
    about: str
    unit: str
    sides: tuple[Side, ...]
    bars: tuple[Bar, ...] = ()

    def side(self, name: str) -> Side:
        """Return the side of this name; KeyError without one."""
        for side in self.sides:
            if side.name == name:
                return side
        raise KeyError(name)

    def judged(self, bar: Bar) -> tuple[float, ...]:
        """Return what is held against a bar, one figure a repetition."""
        ours = self.side(bar.ours)
        mine = ours.fact(bar.of) if bar.of else ours.values
        if not bar.other:
            return mine
        other = self.side(bar.other)
        theirs = other.fact(bar.of) if bar.of else other.values
        return tuple(one / two for one, two in zip(mine, theirs, strict=True))

    def met(self, bar: Bar) -> bool:
        """Tell whether the median reaches the bar."""
        middle = median(self.judged(bar))
        return (bar.at_least is None or middle >= bar.at_least) and (
            bar.at_most is None or middle <= bar.at_most
        )


@dataclass(frozen=True, slots=True)
class Report:
    """All results of a run, and where they were found."""

    machine: dict[str, str]
    versions: dict[str, str]
    settings: dict[str, str]
    results: tuple[Result, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the report as what JSON can hold."""
        return asdict(self)


def from_json(value: dict[str, Any]) -> Report:
    """Return the report that ``as_json`` gave."""
    return Report(
        value["machine"],
        value["versions"],
        value["settings"],
        tuple(_result(one) for one in value["results"]),
    )


def _result(value: dict[str, Any]) -> Result:
    sides = tuple(
        Side(**{**side, "measured": tuple(Measured(**one) for one in side["measured"])})
        for side in value["sides"]
    )
    return Result(**{**value, "sides": sides, "bars": tuple(Bar(**bar) for bar in value["bars"])})
