"""What reading a file of evaluations gives: results as they stand there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from aivcs.errors import InvalidSource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aivcs.domain.canonical import Json

MAX_RESULTS: Final = 100_000
"""The most results of one file; they are recorded in one transaction."""


class Reported(NamedTuple):
    """One result as the file has it, unchecked; ``where`` is how errors call it."""

    where: str
    fields: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Report:
    """What a file says. ``skipped`` counts the tests that did not run.

    ``spec_digest`` is what the file says of the spec, as it stands there.
    """

    format: str
    results: tuple[Reported, ...]
    skipped: int = 0
    spec_digest: Json = None


def too_many(name: str) -> InvalidSource:
    """Return the error for a file with more than MAX_RESULTS results."""
    msg = f"{name} holds more than {MAX_RESULTS} results"
    return InvalidSource(msg, hint="split it into several files")
