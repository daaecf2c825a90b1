"""Gates on what a spec consists of, against the current release."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aivcs.domain.digest import Digest
from aivcs.domain.gates.model import plain
from aivcs.domain.spec import spec_document

if TYPE_CHECKING:
    from aivcs.domain.gates.model import Candidate, Rule
    from aivcs.domain.spec import Component


def spec_digest_valid(candidate: Candidate) -> str | None:
    """Refuse a digest that the components do not give."""
    if candidate.spec is None:
        return "there is no spec"
    computed = Digest.of(spec_document(candidate.spec.components))
    if computed == candidate.spec.digest:
        return None
    return f"the digest is {candidate.spec.digest}, the components give {computed}"


def require_spec_digest(candidate: Candidate) -> str | None:
    """Refuse what names no spec."""
    return None if candidate.spec is not None else "there is no spec digest"


def require(component: Component) -> Rule:
    """Return the rule that refuses a spec without this component."""

    def rule(candidate: Candidate) -> str | None:
        if candidate.spec is not None and candidate.spec.components.get(component.value):
            return None
        return f"the spec has no {component.value}"

    return plain(rule)


def unchanged(component: Component) -> Rule:
    """Return the rule that refuses another component than that of the current release."""

    def rule(candidate: Candidate) -> str | None:
        if candidate.current is None:
            return None
        before = candidate.current.components.get(component.value)
        after = candidate.spec.components.get(component.value) if candidate.spec else None
        if before == after:
            return None
        return f"{component.value} changed from {_short(before)} to {_short(after)}"

    return plain(rule)


def _short(digest: Digest | None) -> str:
    return digest.short() if digest else "nothing"
