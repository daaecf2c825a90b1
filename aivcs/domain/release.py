"""Releases: an append-only log per agent, and the lineage a rollback walks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from aivcs.domain.digest import Digest
from aivcs.domain.names import MIN_PREFIX, check_text, is_seen
from aivcs.errors import (
    AmbiguousId,
    InvalidInputError,
    NoPreviousRelease,
    ReleaseNotFound,
    StaleCurrent,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from aivcs.domain.receipt import Receipt
    from aivcs.domain.verdict import Verdict


LAST_GOOD: Final = "last-good"
"""What a rollback may be asked for: the newest earlier release that nothing speaks against."""

_DIGITS: Final = 18
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_DIGEST: Final = re.compile(r"(?:sha256:)?[0-9a-fA-F]{64}", re.ASCII)
_BEGINNING: Final = re.compile(rf"(?:sha256:)?([0-9a-fA-F]{{{MIN_PREFIX},64}})", re.ASCII)


class ReleaseKind(StrEnum):
    """What appended an entry to the log."""

    PROMOTE = "promote"
    ROLLBACK = "rollback"
    DEPRECATE = "deprecate"


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
    start. ``restores`` is the seq whose record a rollback re-appended, or which a deprecation
    marks. ``no_change`` is true for a rollback whose spec was current already. ``verdict`` is
    what the gates said of a promote, ``receipt`` what was verified for a rollback. ``promoted``
    is the seq of the promote that a rollback goes back to in the end. A deprecation leaves
    the release at the seq ``keeps`` current, and says the same of it. ``deprecation`` is the
    seq of the newest deprecation before the entry. ``log_index`` is its place in the log of
    all releases, from 0.
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
    verdict: Verdict | None = None
    receipt: Receipt | None = None
    promoted: int | None = None
    keeps: int | None = None
    deprecation: int | None = None
    log_index: int | None = None


def check_expected(
    name: str, current: ReleaseRecord | None, expected: Digest | str | int | None
) -> None:
    """Raise StaleCurrent unless the current release is the expected one.

    ``expected`` is a spec digest, a seq (0: no release yet) or None (anything). Raises
    InvalidDigest for a text that is no digest.
    """
    if expected is None:
        return
    if isinstance(expected, int):
        good = expected == (current.seq if current else 0)
    else:
        wanted = Digest.parse(expected)
        good = current is not None and current.spec_digest == wanted
    if not good:
        msg = f"the current release of {name} is {_describe(current)}, not {expected}"
        raise StaleCurrent(msg, hint=f"read it again with 'aivcs current {name}', then retry")


def check_metadata(metadata: object) -> None:
    """Raise InvalidInputError for an empty promoter, a blank label, and what is no text."""
    if not isinstance(metadata, ReleaseMetadata):
        msg = f"not the metadata of a release: {metadata!r}"
        raise InvalidInputError(msg[:200], hint="give ReleaseMetadata(promoted_by=...)")
    check_actor(metadata.promoted_by)
    check_text("notes", metadata.notes)
    label = check_text("a version label", metadata.version_label)
    unfit = label is not None and (label != label.strip() or _CONTROL.search(label))
    if label is not None and (unfit or not is_seen(label)):
        msg = f"not a version label: {label!r}"
        raise InvalidInputError(msg, hint="leave it out, or give text such as v1.2.0")
    if label == LAST_GOOD:
        msg = f"not a version label: {label!r} is what a rollback is asked for"
        raise InvalidInputError(msg, hint="give text such as v1.2.0")
    if label is not None and _DIGEST.fullmatch(label):
        # Who asks for a release by its digest must not get another one that is called so.
        msg = f"not a version label: {label!r} is a digest"
        raise InvalidInputError(msg, hint="give text such as v1.2.0")


def check_actor(actor: object) -> str:
    """Return who acts; InvalidInputError when that is empty, or nothing of it can be seen."""
    if isinstance(actor, str) and is_seen(actor):
        return check_text("the actor", actor) or actor
    msg = "the actor of a release is empty"
    raise InvalidInputError(msg, hint="say who with --by, or set AIVCS_ACTOR")


def check_reason(reason: object) -> str:
    """Return why a release is marked; InvalidInputError when nothing is said."""
    if isinstance(reason, str) and reason.strip():
        return check_text("the reason", reason) or reason
    msg = "a release is deprecated for a reason, and none is given"
    raise InvalidInputError(msg, hint="say why with --reason")


def previous_of(current: ReleaseRecord) -> int:
    """Return the seq a plain rollback restores: the one before the current in the lineage.

    Raises NoPreviousRelease at the lineage's start.
    """
    name = current.name
    if current.previous is None:
        msg = f"{name} has no release before seq {current.seq} in its lineage"
        raise NoPreviousRelease(
            msg, hint=f"'aivcs history {name}' lists the entries; 'rollback --to' picks any"
        )
    return current.previous


def select(
    name: str, newest_first: Iterable[ReleaseRecord], wanted: int | str | Digest
) -> ReleaseRecord:
    """Return the newest release with this seq, version label or spec digest.

    Deprecations are none. ``NAME@`` may stand before it. A text of digits is a seq, a whole
    digest is one; another text is a label, else the beginning (>= 4 characters) of a spec
    digest. Raises ReleaseNotFound when no entry answers, AmbiguousId when the beginning fits
    several digests, or a label is the beginning of another release's digest.
    """
    wanted = _plain(within(name, wanted))
    prefix = _prefix(wanted)
    begun: dict[Digest, ReleaseRecord] = {}
    labelled: ReleaseRecord | None = None
    for record in newest_first:
        if record.kind is ReleaseKind.DEPRECATE:
            continue
        if wanted in (record.seq, record.spec_digest):
            return record
        if wanted == record.metadata.version_label:
            labelled = labelled or record
            if prefix is None:
                break
        if prefix is not None and str(record.spec_digest).startswith(prefix):
            begun.setdefault(record.spec_digest, record)
    if labelled is not None:
        begun[labelled.spec_digest] = labelled
    return _only(name, wanted, [*begun.values()])


def _only(name: str, wanted: object, begun: Sequence[ReleaseRecord]) -> ReleaseRecord:
    if len(begun) > 1:
        digests = ", ".join(str(record.spec_digest) for record in begun)
        msg = f"{wanted} fits {len(begun)} releases of {name}: {digests}"
        raise AmbiguousId(msg, hint="give more characters, or the seq")
    for record in begun:
        return record
    msg = f"{name} has no earlier release {wanted}"
    raise ReleaseNotFound(msg, hint=f"'aivcs history {name}' lists its entries")


def within(name: str, wanted: int | str | Digest) -> int | str | Digest:
    """Return which release of ``name`` is wanted: ``NAME@1.0.0`` is its ``1.0.0``."""
    return wanted.removeprefix(f"{name}@") if isinstance(wanted, str) else wanted


def _plain(wanted: int | str | Digest) -> int | str | Digest:
    """Return the seq or the digest that a text means; a label as it is."""
    if isinstance(wanted, str) and _DIGEST.fullmatch(wanted):
        return Digest.parse(wanted)
    seq = seq_of(wanted)
    return wanted if seq is None else seq


def _prefix(wanted: object) -> str | None:
    """Return what a text may be the beginning of, a digest's digits; None for any other."""
    found = _BEGINNING.fullmatch(wanted) if isinstance(wanted, str) else None
    return found[1].lower() if found else None


def seq_of(wanted: object) -> int | None:
    """Return the seq that a number or a text of digits means; None for anything else."""
    if isinstance(wanted, int):
        return wanted
    if isinstance(wanted, str) and wanted.isascii() and wanted.isdigit():
        return int(wanted[-_DIGITS:]) if len(wanted.lstrip("0")) <= _DIGITS else 0
    return None


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


def not_found(name: str) -> ReleaseNotFound:
    """Return the error for a name without any release."""
    return ReleaseNotFound(
        f"{name} has no release", hint="'aivcs releases' lists the agents that have one"
    )


def _describe(current: ReleaseRecord | None) -> str:
    return f"seq {current.seq} ({current.spec_digest.short()})" if current else "none"
