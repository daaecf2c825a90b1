"""What is believed of several hypotheses while answers come that may be wrong."""

from __future__ import annotations

from math import log2
from typing import TYPE_CHECKING, Final, NamedTuple

from aivcs.domain.bisect import Answer
from aivcs.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aivcs.domain.bisect import Rates

LEAST_GAIN: Final = 1e-9
"""Bits below which a question tells nothing but rounding errors."""
DIGITS: Final = 12
"""To so many digits gains are compared, so that every machine asks the same questions."""

_NEGLIGIBLE: Final = 1e-9


class Chances(NamedTuple):
    """Of each hypothesis, weighed with its probability.

    ``says_bad`` is the chance of the answer bad, and ``noise`` the bits that remain open in
    the answer, where the hypothesis has the spec as bad; the ``good_*`` ones where it has it
    as good.
    """

    bad_says_bad: list[float]
    bad_noise: list[float]
    good_says_bad: list[float]
    good_noise: list[float]


class Belief:
    """The joint probability of hypotheses and of the rates at which the check errs."""

    def __init__(self, prior: Sequence[float], rates: Mapping[Rates, float]) -> None:
        total = sum(prior) * sum(rates.values())
        self._rows = {
            rate: [weight * one / total for one in prior] for rate, weight in rates.items()
        }
        self.mass = self._mass()

    def learn(self, as_bad: Sequence[bool], answer: Answer) -> None:
        """Take in an answer; ``as_bad`` tells which hypotheses have the spec as bad.

        Raises InvalidInputError for an answer that no hypothesis leaves possible.
        """
        says_bad = answer is Answer.BAD
        learnt = {}
        for rate, row in self._rows.items():
            if_bad = 1 - rate.false_good if says_bad else rate.false_good
            if_good = rate.false_bad if says_bad else 1 - rate.false_bad
            learnt[rate] = [
                weight * (if_bad if bad else if_good)
                for weight, bad in zip(row, as_bad, strict=True)
            ]
        total = sum(map(sum, learnt.values()))
        if total <= 0:
            msg = f"the answer {answer.value} contradicts those before it"
            raise InvalidInputError(msg, hint="the check is flaky; say how much with --flaky")
        self._rows = {
            rate: [weight / total for weight in row]
            for rate, row in learnt.items()
            if sum(row) > total * _NEGLIGIBLE
        }
        self.mass = self._mass()

    def rates(self) -> dict[Rates, float]:
        """Return how probable it is now that the check errs at which rates."""
        return {rate: sum(row) for rate, row in self._rows.items()}

    def chances(self) -> Chances:
        """Return what an answer would say under each hypothesis."""
        bad, good = [0.0] * len(self.mass), [0.0] * len(self.mass)
        for rate, row in self._rows.items():
            bad = [
                one + weight * (1 - rate.false_good) for one, weight in zip(bad, row, strict=True)
            ]
            good = [one + weight * rate.false_bad for one, weight in zip(good, row, strict=True)]
        return Chances(bad, self._noise(bad), good, self._noise(good))

    def _noise(self, says_bad: Sequence[float]) -> list[float]:
        return [
            mass * entropy(chance / mass) if mass > 0 else 0.0
            for mass, chance in zip(self.mass, says_bad, strict=True)
        ]

    def _mass(self) -> list[float]:
        return [sum(column) for column in zip(*self._rows.values(), strict=True)]


def entropy(chance: float) -> float:
    """Return the bits of an answer that is bad with this chance."""
    if not 0 < chance < 1:
        return 0.0
    return -chance * log2(chance) - (1 - chance) * log2(1 - chance)
