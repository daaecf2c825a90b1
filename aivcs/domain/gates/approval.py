"""The gate on what people said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from unicodedata import category, normalize

from aivcs.domain.gates.model import Finding, listed

if TYPE_CHECKING:
    from aivcs.domain.gates.model import Candidate

_UNSEEN: Final = "Cf"


def require_approval(candidate: Candidate, value: Any) -> Finding:  # noqa: ANN401 - of its form
    """Refuse when fewer people than ``value`` approved, the promoter not counted."""
    promoter = _plain(candidate.metadata.promoted_by)
    people = sorted(
        {
            who
            for who in map(_plain, candidate.approvers)
            if candidate.self_approval or who != promoter
        }
    )
    if len(people) >= value:
        return Finding(passed=True, detail=f"approved by {listed(people)}")
    others = "" if candidate.self_approval else f" other than {candidate.metadata.promoted_by}"
    found = f"approved by {listed(people)}" if people else "nobody approved"
    return Finding(passed=False, detail=f"{found}, {value}{others} must")


def _plain(name: str) -> str:
    """Return a name without what nobody sees: it makes one person look like two."""
    seen = "".join(char for char in name if category(char) != _UNSEEN)
    return normalize("NFKC", seen).strip().casefold()
