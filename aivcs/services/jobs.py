"""Pieces of work that copies of the process share, each with what is done with its outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from aivcs.errors import CorruptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any

    from aivcs.domain.report import Problem
    from aivcs.ports import Spread

T = TypeVar("T")


class Job(NamedTuple, Generic[T]):
    """``do`` may run in a copy of the process, ``take`` gets its outcome in this one."""

    do: Callable[[], T]
    take: Callable[[T], Iterable[Problem]]


def run(spread: Spread, jobs: Sequence[Job[Any]]) -> Iterator[Problem]:
    """Do all jobs, those in front first; yield what they found in their order.

    Also what was found before an error of the ledger, which is raised then.
    """
    found: dict[int, list[Problem]] = {}
    failed: CorruptionError | None = None
    with spread(lambda number: jobs[number].do(), len(jobs)) as outcomes:
        try:
            for number, outcome in outcomes:
                found[number] = list(jobs[number].take(outcome))
        except CorruptionError as error:
            failed = error
    for number in sorted(found):
        yield from found[number]
    if failed is not None:
        raise failed
