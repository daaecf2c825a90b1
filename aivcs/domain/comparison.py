"""Two specs by the same examples: what each example did before, and what it does now."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.domain.evidence import Evidence, Example


class Shift(StrEnum):
    """How an example changed; the first two are flips."""

    REGRESSED = "regressed"
    FIXED = "fixed"
    WORSE = "worse"
    BETTER = "better"
    DROPPED = "dropped"
    ADDED = "added"


class Shifted(NamedTuple):
    """An example that changed; None where there is no result of it."""

    suite: str
    example_id: str
    shift: Shift
    before: Example | None
    after: Example | None


def compare(before: Evidence, after: Evidence) -> tuple[Shifted, ...]:
    """Return every example whose share of passes differs, or that only one side has.

    Flips from pass to fail come first, then those from fail to pass, and so on; each
    by suite and id.
    """
    order = list(Shift)
    return tuple(sorted(_shifts(before, after), key=lambda one: (order.index(one.shift), one[:2])))


def _shifts(before: Evidence, after: Evidence) -> Iterator[Shifted]:
    old, new = before.examples(), after.examples()
    for key in old.keys() | new.keys():
        shift = _shift(old.get(key), new.get(key))
        if shift is not None:
            yield Shifted(*key, shift, old.get(key), new.get(key))


def _shift(old: Example | None, new: Example | None) -> Shift | None:
    if new is None:
        return Shift.DROPPED
    if old is None:
        return Shift.ADDED
    was, now = old.passes * new.trials, new.passes * old.trials
    if was == now:
        return None
    if was > now:
        return Shift.REGRESSED if old.passed else Shift.WORSE
    return Shift.FIXED if new.passed else Shift.BETTER
