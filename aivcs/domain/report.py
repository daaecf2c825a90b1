"""What a verification found."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Severity(StrEnum):
    """Whether a finding is damage or only worth knowing."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding: what kind, the id it is about, and a sentence."""

    kind: str
    id: str
    detail: str
    severity: Severity = Severity.ERROR


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome: how many objects, runs, events and releases were checked, and findings."""

    checked: Mapping[str, int]
    problems: tuple[Problem, ...] = field(default=())

    @property
    def ok(self) -> bool:
        """Whether nothing is damaged; warnings do not count."""
        return all(problem.severity is not Severity.ERROR for problem in self.problems)
