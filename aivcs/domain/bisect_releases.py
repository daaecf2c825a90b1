"""The search for the first bad release, by answers that may be wrong.

The next question is the one whose answer is expected to tell most. Where the check is never
wrong that is the middle of what is left, so it takes ceil(log2(n)) questions; where it is
wrong at times, probability moves towards the right place with each answer, and a question is
asked again as often as that pays.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from aivcs.domain.bisect import Answer, Verdict
from aivcs.domain.bisect_belief import DIGITS, LEAST_GAIN, Belief, entropy
from aivcs.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.domain.bisect import BisectTerms, Rates

CERTAIN: Final = 1 - 1e-9
"""The probability of what is certain, but for rounding errors."""


class ReleaseSearch:
    """Finds the first bad one of ``count`` specs in a row: place 0 is good, the last is bad."""

    def __init__(self, count: int, terms: BisectTerms) -> None:
        if count < 2:  # noqa: PLR2004 - a good one and a bad one
            msg = f"a bisection is between a good and a bad spec, not among {count}"
            raise InvalidInputError(msg)
        self._belief = Belief([1.0] * (count - 1), terms.rates())
        self._target = CERTAIN if terms.exact else terms.stage_confidence
        self._skipped: list[int] = []
        self._last = count - 1

    def next_question(self) -> int | None:
        """Return the place to ask about; None when no more can be found out."""
        if self._best_block()[1] >= self._target:
            return None
        best, most = None, LEAST_GAIN
        for place, gain in self._gains():
            if gain > most and (worth := gain * self._testable(place)) > most:
                best, most = place, worth
        return best

    def answered(self, place: int, answer: Answer) -> None:
        """Take in an answer. Raises InvalidInputError for one that cannot be."""
        if not 0 < place < self._last:
            msg = f"place {place} is no question between 0 and {self._last}"
            raise InvalidInputError(msg)
        if answer is Answer.SKIP:
            self._skipped.insert(bisect_left(self._skipped, place), place)
        else:
            self._belief.learn([first <= place for first in range(1, self._last + 1)], answer)

    def verdict(self) -> Verdict:
        """Return the places among which the first bad one is, and how probable that is."""
        block, mass = self._best_block()
        if mass < self._target:
            block, mass = self._likely()
        return Verdict(block, 1.0 if mass >= CERTAIN else mass)

    def rates(self) -> dict[Rates, float]:
        """Return what was learnt of the check."""
        return self._belief.rates()

    def _gains(self) -> Iterator[tuple[int, float]]:
        """Yield each place that can be asked about, and the bits it is expected to tell."""
        chances = self._belief.chances()
        bad, bad_noise, good, good_noise = (list(accumulate(one)) for one in chances)
        skipped = set(self._skipped)
        for place in range(1, self._last):
            if place not in skipped:
                says_bad = bad[place - 1] + good[-1] - good[place - 1]
                noise = bad_noise[place - 1] + good_noise[-1] - good_noise[place - 1]
                yield place, round(entropy(says_bad) - noise, DIGITS)

    def _testable(self, place: int) -> float:
        """Guess whether a place can be tested: neighbours of a skipped one often cannot."""
        at = bisect_left(self._skipped, place)
        near = [abs(place - one) for one in self._skipped[max(0, at - 1) : at + 1]]
        return min((gap / (gap + 1) for gap in near), default=1.0)

    def _best_block(self) -> tuple[tuple[int, ...], float]:
        """Return the likeliest places that no question tells apart: one, but for skips."""
        skipped = set(self._skipped)
        best, most, begun, mass = (1, 1), -1.0, 1, 0.0
        for place, weight in enumerate(self._belief.mass, 1):
            mass += weight
            if place in skipped:
                continue
            if mass > most:
                best, most = (begun, place), mass
            begun, mass = place + 1, 0.0
        return tuple(range(best[0], best[1] + 1)), most

    def _likely(self) -> tuple[tuple[int, ...], float]:
        """Return the fewest places that together are as probable as they have to be."""
        ranked = sorted(enumerate(self._belief.mass, 1), key=lambda pair: -pair[1])
        taken: list[int] = []
        mass = 0.0
        for place, weight in ranked:
            taken.append(place)
            mass += weight
            if mass >= self._target:
                break
        return tuple(sorted(taken)), mass
