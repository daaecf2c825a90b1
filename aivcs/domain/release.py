"""Releases: an append-only log per agent, and the lineage a rollback walks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from aivcs.domain.digest import Digest
from aivcs.domain.names import check_text
from aivcs.errors import (
    AmbiguousId,
    InvalidInputError,
    NoPreviousRelease,
    ReleaseNotFound,
    StaleCurrent,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime


MIN_PREFIX: Final = 4
"""The shortest abbreviation of an id."""


_DIGITS: Final = 18


class ReleaseKind(StrEnum):
    """What appended an entry to the log."""

    PROMOTE = "promote"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class ReleaseMetadata:
    """What the promoter says: an optional version label, who, and optional notes.

    An empty ``promoted_by`` is refused when it is promoted.
    """

    version_label: str | None = None
    promoted_by: str = ""
    notes: str | None = None


@dataclass(frozen=True, slots=True)
class ReleaseRecord:
    """One entry of an agent's release log.

    ``seq`` is dense from 1. ``previous`` is the seq before it in the lineage, None at its
    start. ``restores`` is the seq whose record a rollback re-appended. ``no_change`` is
    true for a rollback whose spec was current already. ``log_index`` is its place in the
    log of all releases, from 0.
    """

    name: str
    seq: int
    kind: ReleaseKind
    spec_digest: Digest
    metadata: ReleaseMetadata
    created_at: datetime
    actor: str
    reason: str | None = None
    previous: int | None = None
    restores: int | None = None
    no_change: bool = False
    log_index: int | None = None


def check_expected(
    name: str, head: ReleaseRecord | None, expected: Digest | str | int | None
) -> None:
    """Raise StaleCurrent unless the current release is the expected one.

    ``expected`` is a spec digest, a seq (0: no release yet) or None (anything). Raises
    InvalidDigest for a text that is no digest.
    """
    if expected is None:
        return
    if isinstance(expected, int):
        good = expected == (head.seq if head else 0)
    else:
        wanted = Digest.parse(expected)
        good = head is not None and head.spec_digest == wanted
    if not good:
        msg = f"the current release of {name} is {_describe(head)}, not {expected}"
        raise StaleCurrent(msg, hint=f"read it again with 'aivcs current {name}', then retry")


def check_metadata(metadata: object) -> None:
    """Raise InvalidInputError for an empty promoter, a blank label, and what is no text."""
    if not isinstance(metadata, ReleaseMetadata):
        msg = f"not the metadata of a release: {metadata!r}"
        raise InvalidInputError(msg[:200], hint="give ReleaseMetadata(promoted_by=...)")
    check_actor(metadata.promoted_by)
    check_text("notes", metadata.notes)
    label = check_text("a version label", metadata.version_label)
    if label is not None and (not label.strip() or label != label.strip() or "\0" in label):
        msg = f"not a version label: {label!r}"
        raise InvalidInputError(msg, hint="leave it out, or give text such as v1.2.0")


def check_actor(actor: object) -> str:
    """Return who acts; InvalidInputError when that is empty."""
    if isinstance(actor, str) and actor.strip():
        return check_text("the actor", actor) or actor
    msg = "the actor of a release is empty"
    raise InvalidInputError(msg, hint="say who with --by, or set AIVCS_ACTOR")


def previous_of(name: str, head: ReleaseRecord | None) -> int:
    """Return the seq a plain rollback restores: the one before ``head`` in the lineage.

    Raises ReleaseNotFound without any release, NoPreviousRelease at the lineage's start.
    """
    if head is None:
        raise not_found(name)
    if head.previous is None:
        msg = f"{name} has no release before seq {head.seq} in its lineage"
        raise NoPreviousRelease(
            msg, hint=f"'aivcs history {name}' lists the entries; 'rollback --to' picks any"
        )
    return head.previous


def select(
    name: str, newest_first: Iterable[ReleaseRecord], wanted: int | str | Digest
) -> ReleaseRecord:
    """Return the newest entry with this seq, version label or spec digest.

    A text of digits is a seq; another text is a label, else the beginning (>= 4 characters)
    of a spec digest. Raises ReleaseNotFound when no entry answers, AmbiguousId when the
    beginning fits several digests.
    """
    if isinstance(wanted, str) and wanted.isascii() and wanted.isdigit():
        wanted = int(wanted[-_DIGITS:]) if len(wanted.lstrip("0")) <= _DIGITS else 0
    begun: dict[Digest, ReleaseRecord] = {}
    prefix = wanted.lower().removeprefix("sha256:") if isinstance(wanted, str) else ""
    for record in newest_first:
        if wanted in (record.seq, record.spec_digest, record.metadata.version_label):
            return record
        if len(prefix) >= MIN_PREFIX and str(record.spec_digest).startswith(prefix):
            begun.setdefault(record.spec_digest, record)
    if len(begun) > 1:
        msg = f"{wanted} fits {len(begun)} releases of {name}: " + ", ".join(map(str, begun))
        raise AmbiguousId(msg, hint="give more characters, or the seq")
    for record in begun.values():
        return record
    msg = f"{name} has no earlier release {wanted}"
    raise ReleaseNotFound(msg, hint=f"'aivcs history {name}' lists its entries")


def ancestor(
    record: ReleaseRecord, steps: int, entry: Callable[[int], ReleaseRecord]
) -> ReleaseRecord:
    """Walk ``steps`` back along the lineage; ReleaseNotFound when it ends before."""
    for _ in range(steps):
        if record.previous is None:
            msg = f"the lineage of {record.name} begins at seq {record.seq}"
            raise ReleaseNotFound(msg, hint=f"'aivcs history {record.name}' lists its entries")
        record = entry(record.previous)
    return record


def lineage_problems(oldest_first: Iterable[ReleaseRecord]) -> Iterator[str]:
    """Say where a log contradicts the rules by which promote and rollback extend it."""
    seen: dict[int, ReleaseRecord] = {}
    head: ReleaseRecord | None = None
    for record in oldest_first:
        due = head.seq + 1 if head else 1
        if record.seq != due:
            yield f"seq {due} is missing before seq {record.seq}"
        if record.kind is ReleaseKind.PROMOTE:
            sound = record.restores is None and record.previous == (head.seq if head else None)
        else:
            restored = seen.get(record.restores or 0)
            sound = (
                restored is not None
                and record.spec_digest == restored.spec_digest
                and record.previous == restored.previous
            )
        if not sound:
            yield f"the {record.kind.value} at seq {record.seq} does not follow from the log"
        seen[record.seq] = head = record


def not_found(name: str) -> ReleaseNotFound:
    """Return the error for a name without any release."""
    return ReleaseNotFound(
        f"{name} has no release", hint="'aivcs releases' lists the agents that have one"
    )


def _describe(head: ReleaseRecord | None) -> str:
    return f"seq {head.seq} ({head.spec_digest.short()})" if head else "none"
