"""Gates on what a promoter says: version labels and notes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aivcs.domain.version import parse_version

if TYPE_CHECKING:
    from aivcs.domain.gates.model import Candidate


def semver_format(candidate: Candidate) -> str | None:
    """Refuse a label that is no semantic version, and none at all."""
    label = candidate.metadata.version_label
    if label is None:
        return "there is no version label"
    return None if parse_version(label) else f"{label!r} is not a version such as 1.2.0"


def version_bump(candidate: Candidate) -> str | None:
    """Refuse a label that does not come after the current one."""
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


def unique_version(candidate: Candidate) -> str | None:
    """Refuse a label that a release bears already."""
    label = candidate.metadata.version_label
    if label is None or label not in candidate.labels:
        return None
    return f"{label!r} is the label of an earlier release"


def require_notes(candidate: Candidate) -> str | None:
    """Refuse a release without notes."""
    notes = candidate.metadata.notes
    return None if notes and notes.strip() else "there are no notes"
