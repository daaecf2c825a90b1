"""The releases among which a bisection searches: the lineage from a good one to a bad one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aivcs.domain.bisect import Candidate
from aivcs.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aivcs.domain.digest import Digest
    from aivcs.domain.release import ReleaseRecord


def between(
    newest_first: Iterable[ReleaseRecord], good: ReleaseRecord, bad: ReleaseRecord
) -> tuple[Candidate, ...]:
    """Return the distinct specs of the lineage from ``good`` to ``bad``, each where it came first.

    An entry that only restates the one before it in the log stands for that one. Raises
    InvalidInputError when both have one spec, or the good one's is not in the lineage.
    """
    start, end = f"{good.name}@{good.seq}", f"{bad.name}@{bad.seq}"
    if good.spec_digest == bad.spec_digest:
        msg = f"{start} and {end} have the same spec"
        raise InvalidInputError(msg, hint=f"'aivcs history {good.name}' lists its entries")
    path = _lineage(newest_first, good.spec_digest, bad)
    if path[-1].spec_digest != good.spec_digest:
        msg = f"{start} is not in the lineage of {end}"
        hint = f"give a release before it: '{bad.name}@{bad.seq}~1' is one"
        raise InvalidInputError(msg, hint=hint)
    path[-1] = good
    found: dict[Digest, Candidate] = {}
    for record in reversed(path):
        label = record.metadata.version_label
        found.setdefault(record.spec_digest, Candidate(record.seq, record.spec_digest, label))
        if record.spec_digest == bad.spec_digest:
            break
    return tuple(found.values())


def _lineage(
    newest_first: Iterable[ReleaseRecord], good: Digest, bad: ReleaseRecord
) -> list[ReleaseRecord]:
    """Return the entries from ``bad`` back to the first with the spec ``good``, or to the end."""
    path = [bad]
    for record in newest_first:
        if record.seq >= path[-1].seq:
            continue
        if _restates(path[-1], record):
            path[-1] = record
            continue
        if path[-1].spec_digest == good or path[-1].previous is None:
            break
        if record.seq == path[-1].previous:
            path.append(record)
    return path


def _restates(later: ReleaseRecord, earlier: ReleaseRecord) -> bool:
    return (
        later.seq == earlier.seq + 1
        and later.spec_digest == earlier.spec_digest
        and later.previous == earlier.previous
    )
