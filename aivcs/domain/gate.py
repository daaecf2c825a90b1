"""Gates: named rules that a release must pass before it is appended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

from aivcs.domain.digest import Digest
from aivcs.domain.spec import Component, spec_document
from aivcs.domain.version import parse_version
from aivcs.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aivcs.domain.release import ReleaseMetadata
    from aivcs.domain.spec import AgentSpec


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is to be released, and what is current now (None without a release).

    ``labels`` are the version labels that the agent's releases bear already.
    """

    metadata: ReleaseMetadata
    spec: AgentSpec | None
    current: AgentSpec | None = None
    current_label: str | None = None
    labels: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Violation:
    """A gate that refuses, and why."""

    gate: str
    detail: str


Rule: TypeAlias = Callable[[Candidate], str | None]
"""Returns what is wrong with a candidate, or None."""


def evaluate(names: Iterable[str], candidate: Candidate) -> tuple[Violation, ...]:
    """Return every violation of the named gates, in their order; none passes.

    Raises InvalidInputError for a name that is no gate, listing those there are.
    """
    wanted = tuple(dict.fromkeys(names))
    for name in wanted:
        if name not in GATES:
            msg = f"unknown gate {name!r}"
            raise InvalidInputError(msg, hint=f"the gates are {', '.join(GATES)}")
    found = ((name, GATES[name](candidate)) for name in wanted)
    return tuple(Violation(name, detail) for name, detail in found if detail is not None)


def _spec_digest_valid(candidate: Candidate) -> str | None:
    if candidate.spec is None:
        return "there is no spec"
    computed = Digest.of(spec_document(candidate.spec.components))
    if computed == candidate.spec.digest:
        return None
    return f"the digest is {candidate.spec.digest}, the components give {computed}"


def _require(component: Component) -> Rule:
    def rule(candidate: Candidate) -> str | None:
        if candidate.spec is not None and candidate.spec.components.get(component.value):
            return None
        return f"the spec has no {component.value}"

    return rule


def _unchanged(component: Component) -> Rule:
    def rule(candidate: Candidate) -> str | None:
        if candidate.current is None:
            return None
        before = candidate.current.components.get(component.value)
        after = candidate.spec.components.get(component.value) if candidate.spec else None
        if before == after:
            return None
        return f"{component.value} changed from {_short(before)} to {_short(after)}"

    return rule


def _semver_format(candidate: Candidate) -> str | None:
    label = candidate.metadata.version_label
    if label is None:
        return "there is no version label"
    return None if parse_version(label) else f"{label!r} is not a version such as 1.2.0"


def _version_bump(candidate: Candidate) -> str | None:
    before, after = candidate.current_label, candidate.metadata.version_label
    if before is None:
        return None
    if after is None:
        return f"there is no version label, the current one is {before!r}"
    old, new = parse_version(before), parse_version(after)
    if old is None or new is None:
        unread = before if old is None else after
        return f"{unread!r} is not a version, so {before!r} and {after!r} cannot be compared"
    return None if new > old else f"{after} does not come after {before}"


def _unique_version(candidate: Candidate) -> str | None:
    label = candidate.metadata.version_label
    if label is None or label not in candidate.labels:
        return None
    return f"{label!r} is the label of an earlier release"


def _require_notes(candidate: Candidate) -> str | None:
    notes = candidate.metadata.notes
    return None if notes and notes.strip() else "there are no notes"


def _require_spec_digest(candidate: Candidate) -> str | None:
    return None if candidate.spec is not None else "there is no spec digest"


def _short(digest: Digest | None) -> str:
    return digest.short() if digest else "nothing"


GATES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "spec_digest_valid": _spec_digest_valid,
        "require_tools_digest": _require(Component.TOOLS),
        "require_graph_digest": _require(Component.GRAPH),
        "no_tools_change": _unchanged(Component.TOOLS),
        "no_graph_change": _unchanged(Component.GRAPH),
        "semver_format": _semver_format,
        "version_bump": _version_bump,
        "unique_version": _unique_version,
        "require_notes": _require_notes,
        "require_spec_digest": _require_spec_digest,
    }
)
"""Every gate by name. The two about change pass when nothing is current."""
