"""Bisection: what may be answered, how far an answer can be trusted, what was found."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from itertools import product
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from aivcs.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aivcs.domain.canonical import Json
    from aivcs.domain.digest import Digest

CONFIDENCE: Final = 0.99
AT_MOST: Final = 500


class Answer(StrEnum):
    """What a check says of a spec; ``skip``: it cannot tell."""

    GOOD = "good"
    BAD = "bad"
    SKIP = "skip"


class Rates(NamedTuple):
    """How often a check is wrong: it calls a good spec bad, a bad one good."""

    false_bad: float
    false_good: float


EXACT: Final = Rates(0.0, 0.0)
_SHARE: Final = 0.125
_GRID: Final = (0.01, 0.05, 0.1, 0.2, 0.3, 0.4)


@dataclass(frozen=True, slots=True)
class BisectTerms:
    """How sure a bisection has to be, and what it may cost.

    ``flaky`` is how often the check is wrong: 0 never, None not known, then it is estimated
    from the answers. ``confidence`` is how probable the whole result must be where a check
    is flaky. Without ``components`` only the release is sought. Raises InvalidInputError.
    """

    flaky: float | None = 0.0
    confidence: float = CONFIDENCE
    components: bool = True
    at_most: int = AT_MOST

    def __post_init__(self) -> None:
        """Refuse what nothing can be found with."""
        if self.flaky is not None and not 0 <= self.flaky < 0.5:  # noqa: PLR2004 - a coin
            msg = f"a check that is wrong at a rate of {self.flaky} tells nothing"
            raise InvalidInputError(msg, hint="give a rate from 0 to below 0.5")
        if not 0.5 <= self.confidence < 1:  # noqa: PLR2004 - better than a coin
            msg = f"not a confidence: {self.confidence}"
            raise InvalidInputError(msg, hint="give a number from 0.5 to below 1, such as 0.99")
        if self.at_most < 1:
            msg = f"a bisection needs at least 1 evaluation, not {self.at_most}"
            raise InvalidInputError(msg)

    @property
    def exact(self) -> bool:
        """Whether every answer is right."""
        return self.flaky == 0

    @property
    def stage_confidence(self) -> float:
        """How probable each of the two findings must be, release and components.

        That is more than both together need: a rate that is stated a little wrong must not
        cost the confidence, and a tenfold smaller error costs only some three evaluations.
        """
        return 1 - (1 - self.confidence) * _SHARE

    def rates(self) -> dict[Rates, float]:
        """Return how probable it is that the check errs at which rates."""
        if self.flaky is not None:
            return {Rates(self.flaky, self.flaky): 1.0}
        grid = [Rates(*pair) for pair in product(_GRID, repeat=2)]
        return dict.fromkeys(grid, 1 / len(grid))


class Candidate(NamedTuple):
    """A release that may be the first bad one: its entry in the log, and its spec."""

    seq: int
    spec_digest: Digest
    label: str | None = None

    def to_json(self) -> dict[str, Json]:
        """Return it as the log of a bisection has it."""
        return {
            "seq": self.seq,
            "spec_digest": str(self.spec_digest),
            "version_label": self.label,
        }


class Subject(NamedTuple):
    """What is evaluated: a release, or the last good spec with ``components`` of the bad."""

    spec_digest: Digest
    seq: int | None = None
    components: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evaluation:
    """An answer that was given: of what, by what, and how long it took."""

    subject: Subject
    answer: Answer
    detail: Mapping[str, Json] = field(default_factory=lambda: MappingProxyType({}))
    duration_ms: int = 0

    def to_json(self) -> dict[str, Json]:
        """Return it as the log of a bisection has it."""
        return {
            "spec_digest": str(self.subject.spec_digest),
            "seq": self.subject.seq,
            "components": list(self.subject.components),
            "answer": self.answer.value,
            "duration_ms": self.duration_ms,
            **self.detail,
        }


class Verdict(NamedTuple):
    """What a search ends with: the places or causes it may be, and how probable that is."""

    found: tuple[int, ...]
    confidence: float


@dataclass(frozen=True, slots=True)
class Bisection:
    """The result of a bisection.

    ``could_be`` has the releases among which the first bad one is: one where it is known,
    then it is ``first_bad``. ``last_good`` is the candidate before them. ``differing`` has
    the components in which ``first_bad`` differs from it, ``components`` those of them that
    make the spec bad, together; empty where they were not sought or could not be told
    apart, then ``blamed`` has what it could be. ``confidence`` is how probable all of it is,
    1.0 where the check is never wrong.
    """

    name: str
    last_good: Candidate
    could_be: tuple[Candidate, ...]
    differing: tuple[str, ...]
    blamed: tuple[tuple[str, ...], ...]
    evaluations: tuple[Evaluation, ...]
    confidence: float
    run_id: str

    @property
    def first_bad(self) -> Candidate | None:
        """The first bad release, where it is known."""
        return self.could_be[0] if len(self.could_be) == 1 else None

    @property
    def components(self) -> tuple[str, ...]:
        """The components that make it bad, together."""
        return self.blamed[0] if len(self.blamed) == 1 else ()

    def to_json(self) -> dict[str, Json]:
        """Return the result as its run and the command line have it."""
        return {
            "name": self.name,
            "first_bad": self.first_bad and self.first_bad.to_json(),
            "last_good": self.last_good.to_json(),
            "could_be": [one.to_json() for one in self.could_be],
            "components": list(self.components),
            "blamed": [list(cause) for cause in self.blamed],
            "differing": list(self.differing),
            "evaluations": [one.to_json() for one in self.evaluations],
            "confidence": self.confidence,
            "run_id": self.run_id,
        }
