"""What the entries of a release log say together: what is current, marked, or good."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aivcs.domain.release import ReleaseKind
from aivcs.errors import ReleaseNotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from aivcs.domain.release import ReleaseRecord

    Entries = Callable[[int], ReleaseRecord]


def current_of(head: ReleaseRecord | None, entry: Entries) -> ReleaseRecord | None:
    """Return the release that is current when ``head`` is the newest entry."""
    return head if head is None or head.keeps is None else entry(head.keeps)


def newest_deprecation(head: ReleaseRecord | None) -> int | None:
    """Return the seq of the newest deprecation when ``head`` is the newest entry."""
    if head is None:
        return None
    return head.seq if head.kind is ReleaseKind.DEPRECATE else head.deprecation


def promoted_seq(record: ReleaseRecord, entry: Entries) -> int:
    """Return the seq of the promote that an entry goes back to."""
    while record.restores is not None:
        if record.promoted is not None:
            return record.promoted
        record = entry(record.restores)
    return record.seq


def deprecation_of(
    promoted: int, head: ReleaseRecord | None, entry: Entries
) -> ReleaseRecord | None:
    """Return the newest deprecation of the promote ``promoted``, or None."""
    seq = newest_deprecation(head)
    while seq is not None and seq > promoted:
        mark = entry(seq)
        if mark.restores == promoted:
            return mark
        seq = mark.deprecation
    return None


def last_good(
    current: ReleaseRecord, newest_first: Iterable[ReleaseRecord], entry: Entries
) -> ReleaseRecord:
    """Return the newest promote before the current release that nothing speaks against.

    Its gates passed, nobody rolled back from it, and it is not deprecated. Raises
    ReleaseNotFound without one.
    """
    marked = {promoted_seq(current, entry)}
    left = False
    for record in newest_first:
        if record.kind is ReleaseKind.DEPRECATE:
            marked.add(record.restores or 0)
            continue
        if left:
            marked.add(promoted_seq(record, entry))
        left = record.kind is ReleaseKind.ROLLBACK
        passed = record.verdict is not None and record.verdict.passed
        if passed and record.seq < current.seq and record.seq not in marked:
            return record
    msg = f"{current.name} has no earlier release that is known to be good"
    hint = (
        "a good one passed its gates, nobody rolled back from it, and it is not deprecated;"
        f" 'aivcs history {current.name}' lists the entries, --to picks any"
    )
    raise ReleaseNotFound(msg, hint=hint)


def lineage_problems(oldest_first: Iterable[ReleaseRecord]) -> Iterator[str]:
    """Say where a log contradicts the rules by which its entries follow one another."""
    seen: dict[int, ReleaseRecord] = {}
    head: ReleaseRecord | None = None
    for record in oldest_first:
        due = head.seq + 1 if head else 1
        if record.seq != due:
            yield f"seq {due} is missing before seq {record.seq}"
        if not _follows(record, head, seen):
            yield f"the {record.kind.value} at seq {record.seq} does not follow from the log"
        seen[record.seq] = head = record


def _follows(
    record: ReleaseRecord, head: ReleaseRecord | None, seen: Mapping[int, ReleaseRecord]
) -> bool:
    current = head if head is None or head.keeps is None else seen.get(head.keeps)
    if record.deprecation != newest_deprecation(head):
        return False
    if record.kind is ReleaseKind.PROMOTE:
        before = None if current is None else current.seq
        other = (record.restores, record.promoted, record.keeps)
        return other == (None, None, None) and record.previous == before
    named = seen.get(record.restores or 0)
    if named is None or named.kind is ReleaseKind.DEPRECATE or record.verdict is not None:
        return False
    if record.kind is ReleaseKind.ROLLBACK:
        first = seen.get(record.promoted or 0)
        sound = record.promoted is None or (
            first is not None
            and first.kind is ReleaseKind.PROMOTE
            and first.spec_digest == named.spec_digest
        )
        same = (record.spec_digest, record.previous) == (named.spec_digest, named.previous)
        return sound and same and record.keeps is None
    return current is not None and (
        (record.spec_digest, record.metadata, record.previous, record.keeps)
        == (current.spec_digest, current.metadata, current.previous, current.seq)
    )
