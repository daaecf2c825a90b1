"""Results as JSON Lines: one a line."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from aivcs.evaluations.document import is_result, reported
from aivcs.evaluations.model import MAX_RESULTS, Report, too_many

if TYPE_CHECKING:
    from aivcs.evaluations.model import Reported
    from aivcs.evaluations.text import Text

FORMAT: Final = "jsonl"


def recognises(text: Text) -> bool:
    """Say whether the first line is a result, perhaps one with a mistake in it."""
    return any(is_result(value) for _, value in islice(text.lines(), 1))


def read(text: Text) -> Report:
    """Return the results of the lines; InvalidSource names a line that is none."""
    found: list[Reported] = []
    for number, value in text.lines():
        if len(found) == MAX_RESULTS:
            raise too_many(text.name)
        found.append(reported(value, f"line {number} of {text.name}", {}))
    return Report(FORMAT, tuple(found))
