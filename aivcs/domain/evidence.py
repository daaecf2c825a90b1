"""Evidence: what was recorded of how one exact spec did, and what it adds up to.

A trial is one result; an example is all trials of one id in one suite. Shares are computed
with exact fractions, so that a bar such as 0.8 is met by 4 of 5.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from fractions import Fraction
from math import comb
from typing import TYPE_CHECKING, Final, NamedTuple

from aivcs.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aivcs.domain.digest import Digest


_NONE: Final[tuple[int, int, frozenset[str]]] = (0, 0, frozenset())


class Result(NamedTuple):
    """One result of one trial: an ``evaluation_result`` of a run, under its seq there."""

    suite: str
    example_id: str
    passed: bool
    score: float | None = None
    tags: tuple[str, ...] = ()
    trial: int = 1
    run_id: str = ""
    seq: int = 0


class Example(NamedTuple):
    """An example over all of its trials; it has the tags of any of them."""

    trials: int
    passes: int
    tags: frozenset[str] = frozenset()

    @property
    def passed(self) -> bool:
        """Whether every trial passed."""
        return self.passes == self.trials

    @property
    def share(self) -> str:
        """Passes of trials, such as ``3/4``."""
        return f"{self.passes}/{self.trials}"


class Flip(NamedTuple):
    """An example that passed in every trial, and does not any more; ``3/4`` means 3 of 4."""

    suite: str
    example_id: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """All results for one spec, of one suite or of all.

    ``seals`` are the runs that it rests on and the hashes in their seals, sorted by run.
    ``unreadable`` counts recorded results that say nothing, as they were erased (so many are
    ``erased``), are of another spec or not of the form; they are in no share.
    """

    spec_digest: Digest
    results: tuple[Result, ...] = ()
    seals: tuple[tuple[str, str], ...] = ()
    unreadable: int = 0
    erased: int = 0

    def examples(self) -> Mapping[tuple[str, str], Example]:
        """Return the examples by suite and id, in the order of the results."""
        found: dict[tuple[str, str], tuple[int, int, frozenset[str]]] = {}
        for result in self.results:
            key = result.suite, result.example_id
            trials, passes, tags = found.get(key, _NONE)
            if result.tags:
                tags = tags.union(result.tags)
            found[key] = trials + 1, passes + result.passed, tags
        return {key: Example(*counts) for key, counts in found.items()}

    def suites(self) -> tuple[str, ...]:
        """Return the names of the suites, sorted."""
        return tuple(sorted({result.suite for result in self.results}))

    def of(self, suite: str) -> Evidence:
        """Return the results of one suite, with the seals that those rest on."""
        chosen = tuple(result for result in self.results if result.suite == suite)
        runs = {result.run_id for result in chosen}
        seals = tuple(seal for seal in self.seals if seal[0] in runs)
        return replace(self, results=chosen, seals=seals)

    def pass_rate(self) -> float | None:
        """Return the mean over the examples of their share of passes; None without one."""
        return pass_rate(self.examples().values())

    def pass_hat(self, k: int) -> float | None:
        """Return pass^k: how likely ``k`` trials of an example all pass.

        That is the mean of C(passes, k) / C(trials, k) over the examples with so many
        trials; None where there is none. InvalidInputError for a ``k`` below 1.
        """
        return pass_hat(self.examples().values(), k)


class Summary(NamedTuple):
    """What a spec's results of one suite add up to; ``runs`` is how many have them."""

    spec_digest: Digest
    suite: str
    examples: int
    trials: int
    passes: int
    pass_rate: float
    runs: int


def summaries(evidence: Evidence) -> tuple[Summary, ...]:
    """Return one summary a suite, by its name."""
    found = []
    for suite in evidence.suites():
        part = evidence.of(suite)
        examples = part.examples().values()
        trials = sum(one.trials for one in examples)
        passes = sum(one.passes for one in examples)
        rate, runs = pass_rate(examples) or 0.0, len({one.run_id for one in part.results})
        counts = len(examples), trials, passes, rate, runs
        found.append(Summary(evidence.spec_digest, suite, *counts))
    return tuple(found)


def pass_rate(examples: Iterable[Example]) -> float | None:
    """Return the mean share of passes; None without examples."""
    return _mean(Counter((one.passes, one.trials) for one in examples))


def pass_hat(examples: Iterable[Example], k: int) -> float | None:
    """Return pass^k over the examples with at least ``k`` trials; None without any."""
    if k < 1:
        msg = f"pass^{k} is not defined"
        raise InvalidInputError(msg, hint="ask for a whole number of trials from 1")
    return _mean(
        Counter((comb(one.passes, k), comb(one.trials, k)) for one in examples if one.trials >= k)
    )


def regressions(before: Evidence, after: Evidence) -> tuple[Flip, ...]:
    """Return the examples that passed every trial before and do not now, sorted.

    One of which there is no result now is not among them.
    """
    now = after.examples()
    return tuple(
        Flip(*key, old.share, now[key].share)
        for key, old in sorted(before.examples().items())
        if old.passed and key in now and not now[key].passed
    )


def _mean(shares: Counter[tuple[int, int]]) -> float | None:
    """Return the mean of shares (of, in all), each as often as it was counted."""
    count = shares.total()
    if not count:
        return None
    return float(sum(n * Fraction(part, whole) for (part, whole), n in shares.items()) / count)
