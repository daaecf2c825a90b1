"""Searches driven by planted causes, with answers that are wrong at times."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from aivcs.domain.bisect import Answer
from aivcs.domain.bisect_components import ComponentSearch
from aivcs.domain.bisect_releases import ReleaseSearch
from aivcs.domain.spec import Component

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from aivcs.domain.bisect import BisectTerms

PARTS = tuple(part.value for part in Component)
RELEASES = 64


def drive(
    search: ReleaseSearch | ComponentSearch,
    is_bad: Callable[[Any], bool | None],
    wrong: Callable[[bool], bool] = lambda _: False,
    limit: int = 1000,
) -> int:
    """Answer until the search has no more questions, and return how many it had."""
    asked = 0
    while (question := search.next_question()) is not None:
        asked += 1
        assert asked <= limit
        search.answered(question, _answer(is_bad(question), wrong))  # type: ignore[arg-type] # its own
    return asked


def dice(seed: int) -> Random:
    """Return dice that always fall in the same way."""
    return Random(f"{seed}")  # noqa: S311 - no secret


def flips(rate: float, seed: int) -> Callable[[bool], bool]:
    """Return what makes an answer wrong at a rate."""
    thrown = dice(seed)
    return lambda _: thrown.random() < rate


def bad_from(first: int) -> Callable[[int], bool]:
    """Return what tells that a release is bad from the first bad one on."""
    return lambda place: place >= first


def bad_with(*causes: Collection[str]) -> Callable[[Collection[str]], bool]:
    """Return what tells that a mix is bad that has all components of one of the causes."""
    return lambda taken: any(set(one) <= set(taken) for one in causes)


def _answer(bad: bool | None, wrong: Callable[[bool], bool]) -> Answer:
    if bad is None:
        return Answer.SKIP
    return Answer.BAD if bad != wrong(bad) else Answer.GOOD


class Hunt(NamedTuple):
    """How a search over planted releases and components went."""

    right_release: bool
    right_cause: bool
    for_release: int
    for_cause: int


def hunt(seed: int, terms: BisectTerms, false_bad: float = 0.0, false_good: float = 0.0) -> Hunt:
    """Plant a first bad release among 64 and a cause of one or two components; find both."""
    thrown = dice(seed)
    first = thrown.randrange(1, RELEASES)
    differing = sorted(thrown.sample(PARTS, thrown.randrange(1, 7)), key=PARTS.index)
    cause = thrown.sample(differing, min(len(differing), thrown.choice((1, 1, 1, 2))))
    planted = tuple(sorted(cause, key=PARTS.index))

    def wrong(bad: bool) -> bool:
        return thrown.random() < (false_good if bad else false_bad)

    releases = ReleaseSearch(RELEASES, terms)
    for_release = drive(releases, bad_from(first), wrong)
    components = ComponentSearch(differing, terms, releases.rates())
    for_cause = drive(components, bad_with(planted), wrong)
    return Hunt(
        releases.verdict().found == (first,),
        components.verdict()[0] == (planted,),
        for_release,
        for_cause,
    )
