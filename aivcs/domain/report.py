"""What a verification found."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aivcs.domain.saved import Saved


UNREADABLE: Final = "unreadable"
"""The kind of a finding about what could not be read, and may be sound."""


class Severity(StrEnum):
    """Whether a finding is damage or only worth knowing."""

    ERROR = "error"
    WARNING = "warning"


class Depth(StrEnum):
    """How much a verification reads.

    ``structure``: rows, footers and sizes, no content. ``sample``: that, and a part of the
    content. ``bytes``: every stored byte.
    """

    STRUCTURE = "structure"
    SAMPLE = "sample"
    BYTES = "bytes"


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding: what kind, the id it is about, and a sentence.

    ``breaks`` says of a damaged object what needs it. Of kind UNREADABLE the id is the name of
    a file, the digest of an object in one, or a run or release whose log leads there.
    """

    kind: str
    id: str
    detail: str
    severity: Severity = Severity.ERROR
    breaks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome: how many objects, runs, events and releases were checked, and findings.

    ``complete`` tells whether all was read that ``depth`` asks for; a sample never is.
    ``saved`` is what the logs hold, where all of them were read: the seals, and each log if
    that was asked for. ``resumed``: what an interrupted verification had read was left out.
    """

    checked: Mapping[str, int]
    problems: tuple[Problem, ...] = field(default=())
    depth: Depth = Depth.BYTES
    complete: bool = True
    saved: Saved | None = None
    resumed: bool = False

    @property
    def ok(self) -> bool:
        """Whether all could be read and nothing is damaged; warnings do not count."""
        return all(problem.severity is not Severity.ERROR for problem in self.problems)

    @property
    def damaged(self) -> bool:
        """Whether something is damaged, which what could not be read is not."""
        return any(
            problem.severity is Severity.ERROR and problem.kind != UNREADABLE
            for problem in self.problems
        )
