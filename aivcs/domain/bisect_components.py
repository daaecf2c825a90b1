"""The search for the components that make a spec bad, by mixing those of two neighbours.

A mix is the last good spec with some of its components taken from the first bad one. A
*cause* is a set of components that makes every mix bad that takes all of them. Hypotheses
are single causes of any size, and small ones of which each is enough; each further component
that a hypothesis names makes it ten times less probable beforehand.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations
from typing import TYPE_CHECKING, Final

from aivcs.domain.bisect import Answer
from aivcs.domain.bisect_belief import DIGITS, LEAST_GAIN, Belief, entropy
from aivcs.domain.bisect_releases import CERTAIN
from aivcs.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aivcs.domain.bisect import BisectTerms, Rates

_RARER: Final = 0.1
_SMALL: Final = 2
_EITHER: Final = 3


class ComponentSearch:
    """Finds the cause among components in which a good and a bad spec differ.

    ``rates`` is what was learnt of the check before. A mix is told by the components that
    are taken from the bad spec: some of them, not all.
    """

    def __init__(
        self,
        components: Sequence[str],
        terms: BisectTerms,
        rates: Mapping[Rates, float] | None = None,
    ) -> None:
        if not components:
            msg = "two specs without a component that differs are the same spec"
            raise InvalidInputError(msg)
        self._components = tuple(components)
        self._whole = (1 << len(components)) - 1
        self._hypotheses = list(_hypotheses(len(components)))
        prior = [_RARER ** sum(map(int.bit_count, one)) for one in self._hypotheses]
        self._belief = Belief(prior, terms.rates() if rates is None else rates)
        self._target = CERTAIN if terms.exact else terms.stage_confidence
        self._is_exact = terms.exact
        self._within = self._whole
        self._as_bad = {mix: self._predicted(mix) for mix in range(1, self._whole)}
        self._bad_places = {
            mix: [place for place, bad in enumerate(row) if bad]
            for mix, row in self._as_bad.items()
        }
        self._skipped: set[int] = set()

    def next_question(self) -> tuple[str, ...] | None:
        """Return the components to take from the bad spec; None when no more can be found."""
        if self._best_cause()[1] >= self._target or self._best_block()[1] >= self._target:
            return None
        best, most = None, LEAST_GAIN
        for mix, gain in self._gains():
            if gain > most:
                best, most = mix, gain
        return None if best is None else self._names(best)

    def answered(self, taken: Sequence[str], answer: Answer) -> None:
        """Take in an answer. Raises InvalidInputError for one that cannot be."""
        mix = sum(1 << self._components.index(one) for one in taken if one in self._components)
        if mix not in self._as_bad or mix.bit_count() != len(taken):
            msg = f"no mix of {', '.join(self._components)}: {', '.join(taken) or 'none'}"
            raise InvalidInputError(msg)
        if answer is Answer.SKIP:
            self._skipped.add(mix)
            return
        self._belief.learn(self._as_bad[mix], answer)
        if self._is_exact and answer is Answer.BAD:
            # What is enough is looked for in what was enough: so some cause is always left,
            # also where there are more of them than the hypotheses have.
            self._within = mix

    def verdict(self) -> tuple[tuple[tuple[str, ...], ...], float]:
        """Return the causes it may be, one where it is known, and how probable that is."""
        cause, mass = self._best_cause()
        if mass >= self._target:
            return (self._names(cause),), _rounded(mass)
        block, mass = self._best_block()
        if mass < self._target:
            block, mass = self._likely()
        causes = {cause for place in block for cause in self._hypotheses[place]}
        ranked = sorted(causes, key=lambda mix: (mix.bit_count(), self._places(mix)))
        return tuple(map(self._names, ranked)), _rounded(mass)

    def _gains(self) -> Iterator[tuple[int, float]]:
        """Yield each mix that can be asked about, and the bits it is expected to tell."""
        bad, bad_noise, good, good_noise = self._belief.chances()
        says = [one - other for one, other in zip(bad, good, strict=True)]
        noise = [one - other for one, other in zip(bad_noise, good_noise, strict=True)]
        as_good, good_rest = sum(good), sum(good_noise)
        for mix in self._open():
            places = self._bad_places[mix]
            says_bad = as_good + sum(map(says.__getitem__, places))
            rest = good_rest + sum(map(noise.__getitem__, places))
            yield mix, round(entropy(says_bad) - rest, DIGITS)

    def _open(self) -> Iterator[int]:
        """Yield the mixes that may still be asked about."""
        for mix in self._as_bad:
            if mix not in self._skipped and mix & self._within == mix:
                yield mix

    def _best_cause(self) -> tuple[int, float]:
        """Return the cause that is likeliest, alone or beside others, and how likely."""
        causes: defaultdict[int, float] = defaultdict(float)
        for hypothesis, mass in zip(self._hypotheses, self._belief.mass, strict=True):
            for cause in hypothesis:
                causes[cause] += mass
        return max(causes.items(), key=lambda pair: (pair[1], -pair[0].bit_count()))

    def _best_block(self) -> tuple[list[int], float]:
        """Return the likeliest hypotheses that skipped mixes keep from being told apart."""
        if not self._skipped:
            return [], 0.0
        blocks: defaultdict[tuple[bool, ...], list[int]] = defaultdict(list)
        rows = [self._as_bad[mix] for mix in self._open()]
        for place, mass in enumerate(self._belief.mass):
            if mass > 1 - CERTAIN:
                blocks[tuple(row[place] for row in rows)].append(place)
        weighed = [(block, self._weight(block)) for block in blocks.values()]
        return max(weighed, key=lambda pair: pair[1])

    def _likely(self) -> tuple[list[int], float]:
        """Return the fewest hypotheses that together are as probable as they have to be."""
        mass = self._belief.mass
        taken: list[int] = []
        for place in sorted(range(len(mass)), key=lambda one: -mass[one]):
            taken.append(place)
            if self._weight(taken) >= self._target:
                break
        return taken, self._weight(taken)

    def _weight(self, places: Sequence[int]) -> float:
        return sum(self._belief.mass[place] for place in places)

    def _predicted(self, mix: int) -> list[bool]:
        return [any(mix & cause == cause for cause in one) for one in self._hypotheses]

    def _places(self, mix: int) -> list[int]:
        return [place for place in range(len(self._components)) if mix >> place & 1]

    def _names(self, mix: int) -> tuple[str, ...]:
        return tuple(self._components[place] for place in self._places(mix))


def _hypotheses(count: int) -> Iterator[tuple[int, ...]]:
    """Yield causes of ``count`` components, as bits: one, or several that each are enough."""
    single = [
        sum(bits) for size in range(1, count + 1) for bits in combinations(_bits(count), size)
    ]
    yield from ((cause,) for cause in single)
    small = [cause for cause in single if cause.bit_count() <= _SMALL]
    for pair in combinations(small, 2):
        if pair[0] & pair[1] not in pair:
            yield pair
    yield from combinations(_bits(count), _EITHER)


def _bits(count: int) -> list[int]:
    return [1 << place for place in range(count)]


def _rounded(mass: float) -> float:
    return 1.0 if mass >= CERTAIN else mass
