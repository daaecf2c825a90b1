"""What a gate is: a name, the values it takes, and a rule over a candidate."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from aivcs.domain.canonical import Json
    from aivcs.domain.evidence import Example
    from aivcs.domain.gates.forms import Form
    from aivcs.domain.release import ReleaseMetadata
    from aivcs.domain.spec import AgentSpec

    Examples: TypeAlias = Mapping[tuple[str, str], Example]

_NAMED = 5


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is to be released, and what is current now (None without a release).

    ``labels`` are version labels that the agent's releases bear already. ``examples`` are
    what evaluations say of the spec, ``baseline`` of the current one, by suite and id.
    ``suites`` must have examples; none named means any. So many results of either were
    ``erased``, where that counts. ``approvers`` have approved the spec.
    """

    metadata: ReleaseMetadata
    spec: AgentSpec | None
    current: AgentSpec | None = None
    current_label: str | None = None
    labels: frozenset[str] = frozenset()
    examples: Examples = field(default_factory=dict)
    baseline: Examples = field(default_factory=dict)
    suites: tuple[str, ...] = ()
    erased: int = 0
    approvers: frozenset[str] = frozenset()
    self_approval: bool = False


class Finding(NamedTuple):
    """What a rule says of a candidate."""

    passed: bool
    detail: str = ""


Rule: TypeAlias = "Callable[[Candidate, Json], Finding]"


class Need(NamedTuple):
    """What must be read for a gate."""

    labels: bool = False
    evidence: bool = False
    approvals: bool = False


class Gate(NamedTuple):
    """A rule with the form of its value, what must be read for it, and what it is for."""

    rule: Rule
    form: Form
    says: str
    need: Need = Need()


def plain(rule: Callable[[Candidate], str | None]) -> Rule:
    """Return a rule without a value, from what says what is wrong or nothing."""

    def found(candidate: Candidate, _value: Json) -> Finding:
        wrong = rule(candidate)
        return Finding(wrong is None, wrong or "")

    return found


def listed(names: Iterable[str]) -> str:
    """Return the first few of many names."""
    every = list(names)
    more = len(every) - _NAMED
    return ", ".join(every[:_NAMED]) + (f" and {more} more" if more > 0 else "")
