"""The ReleaseRegistry: what is in production, and the way back."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from aivcs.domain.batch import Batch
from aivcs.domain.commitment import SALT_SIZE
from aivcs.domain.counting import at_most, integer
from aivcs.domain.digest import Digest
from aivcs.domain.lineage import current_of, deprecation_of, newest_deprecation, promoted_seq
from aivcs.domain.log_writes import Append
from aivcs.domain.names import check_name, check_text
from aivcs.domain.release import (
    ReleaseKind,
    ReleaseRecord,
    ancestor,
    check_actor,
    check_expected,
    check_metadata,
    check_reason,
    not_found,
)
from aivcs.domain.several import several
from aivcs.domain.spec import AgentSpec
from aivcs.domain.stream import Family
from aivcs.errors import WrongExpectedSequence
from aivcs.services import bodies
from aivcs.services.earlier import Earlier
from aivcs.services.gating import Candidacy, Rehearsal, check_passed
from aivcs.services.release_entry import read_record, release_body

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from aivcs.domain.canonical import Json
    from aivcs.domain.policy import Policies
    from aivcs.domain.release import ReleaseMetadata
    from aivcs.domain.stream import Entry
    from aivcs.domain.verdict import Verdict
    from aivcs.ports import Clock, Ledger, Salts
    from aivcs.services.judging import Judge
    from aivcs.services.objects import CasStore
    from aivcs.services.specs import SpecStore

    Make = Callable[[ReleaseRecord | None, int, int | None], ReleaseRecord]
    """Makes the entry that follows what is current: its seq, and the newest deprecation's."""

_ATTEMPTS: Final = 500


class ReleaseRegistry:
    """An append-only release log per agent, under the source system's names.

    ``actor`` tells who acts where a call does not say. ``judge`` evaluates gates, of which
    ``policies`` are those that the repository declares. ``committed`` is called when a
    release was recorded; it does not raise.
    """

    def __init__(  # noqa: PLR0913 - one argument a part
        self,
        ledger: Ledger,
        objects: CasStore,
        specs: SpecStore,
        clock: Clock,
        actor: Callable[[], str],
        salts: Salts = os.urandom,
        *,
        judge: Callable[[], Judge],
        policies: Policies | None = None,
        committed: Callable[[], None] = lambda: None,
    ) -> None:
        self._ledger = ledger
        self._objects = objects
        self._specs = specs
        self._clock = clock
        self._actor = actor
        self._salts = salts
        self._judge = judge
        self._policies = policies
        self._earlier = Earlier(self)
        self._committed = committed

    def promote(
        self,
        name: str,
        spec_digest: Digest | str | AgentSpec,
        metadata: ReleaseMetadata,
        *,
        require: Iterable[str] = (),
        expected_current: Digest | str | int | None = None,
        reason: str | None = None,
    ) -> ReleaseRecord:
        """Make a spec the current release of ``name`` and return the new entry.

        Every object of the spec is verified first. ``require`` names gates that must pass
        beside those of the repository and of the spec's manifest: ``NAME`` or
        ``NAME=VALUE``. Raises SpecNotFound, MissingObject, IntegrityError, GateFailed (with
        every violation), StaleCurrent, InvalidName, InvalidInputError.
        """
        check_text("the reason", reason)
        wanted = self._candidate(name, spec_digest, metadata, require)

        def entry(current: ReleaseRecord | None, seq: int, newest: int | None) -> ReleaseRecord:
            verdict = wanted.judged(current)
            check_passed(name, verdict)
            return ReleaseRecord(
                name=name,
                seq=seq,
                deprecation=newest,
                kind=ReleaseKind.PROMOTE,
                spec_digest=wanted.spec.digest,
                metadata=metadata,
                created_at=self._clock(),
                actor=metadata.promoted_by,
                reason=reason,
                previous=current.seq if current else None,
                verdict=verdict,
            )

        return self._append(name, expected_current, entry)

    def rehearse(
        self,
        name: str,
        spec_digest: Digest | str | AgentSpec,
        metadata: ReleaseMetadata,
        *,
        require: Iterable[str] = (),
        expected_current: Digest | str | int | None = None,
    ) -> Rehearsal:
        """Do all that ``promote`` does but append; return what the gates say of what is current.

        Raises like ``promote``, but not GateFailed: ``check()`` of what it returns does.
        """
        wanted = self._candidate(name, spec_digest, metadata, require)
        current = self.current(name)
        check_expected(name, current, expected_current)
        return Rehearsal(*wanted[:3], current, wanted.judged(current))

    def _candidate(
        self,
        name: str,
        spec_digest: Digest | str | AgentSpec,
        metadata: ReleaseMetadata,
        require: Iterable[str],
    ) -> Candidacy:
        check_name(name)
        check_metadata(metadata)
        found = spec_digest.digest if isinstance(spec_digest, AgentSpec) else spec_digest
        spec = self._specs.require(Digest.parse(found))
        asked = tuple(several(require, "gates"))
        # What nobody asks is not loaded: most repositories declare no gates.
        gated = asked or self._policies is not None or spec.manifest is not None
        judge = self._judge() if gated else None
        policy = None if judge is None else judge.policy(name, spec, asked)

        def judged(current: ReleaseRecord | None) -> Verdict | None:
            if judge is None or policy is None:
                return None
            bears = partial(self._earlier.bears, name)
            return judge.verdict(name, policy, spec, metadata, current, bears)

        return Candidacy(name, spec, metadata, judged)

    def rollback(
        self,
        name: str,
        *,
        to: int | str | Digest | None = None,
        actor: str | None = None,
        reason: str | None = None,
        expected_current: Digest | str | int | None = None,
    ) -> ReleaseRecord:
        """Append the earlier release again and return the new entry.

        Without ``to`` the release before the current one in the lineage; with it any
        earlier entry, by seq, label or digest, or ``last-good``. Every object of the restored
        spec is read and hashed first, which the entry's receipt counts; gates are not asked.
        Raises ReleaseNotFound, NoPreviousRelease, AmbiguousId, StaleCurrent, MissingObject,
        IntegrityError, InvalidInputError.
        """
        who = check_actor(self._actor() if actor is None else actor)
        check_text("the reason", reason)

        def entry(current: ReleaseRecord | None, seq: int, newest: int | None) -> ReleaseRecord:
            if current is None:
                raise not_found(name)
            restored = self._earlier.wanted(current, to)
            promoted = promoted_seq(restored, self._entry_of(name))
            return ReleaseRecord(
                name=name,
                seq=seq,
                deprecation=newest,
                kind=ReleaseKind.ROLLBACK,
                spec_digest=restored.spec_digest,
                metadata=restored.metadata,
                created_at=self._clock(),
                actor=who,
                reason=reason,
                previous=restored.previous,
                restores=restored.seq,
                no_change=restored.spec_digest == current.spec_digest,
                promoted=None if promoted == restored.seq else promoted,
                receipt=self._specs.rehash(restored.spec_digest).receipt,
            )

        return self._append(name, expected_current, entry)

    def deprecate(
        self,
        name: str,
        wanted: int | str | Digest,
        *,
        reason: str,
        actor: str | None = None,
        expected_current: Digest | str | int | None = None,
    ) -> ReleaseRecord:
        """Mark a release, by seq, label or digest, as one not to go back to; return the mark.

        What is current does not change. A rollback to it warns and obeys, ``last-good``
        passes over it. Raises ReleaseNotFound, AmbiguousId, StaleCurrent, InvalidInputError.
        """
        who = check_actor(self._actor() if actor is None else actor)
        why = check_reason(reason)

        def entry(current: ReleaseRecord | None, seq: int, newest: int | None) -> ReleaseRecord:
            if current is None:
                raise not_found(name)
            marked = self._earlier.named(name, wanted)
            return replace(
                current,
                seq=seq,
                deprecation=newest,
                kind=ReleaseKind.DEPRECATE,
                created_at=self._clock(),
                actor=who,
                reason=why,
                restores=promoted_seq(marked, self._entry_of(name)),
                no_change=False,
                verdict=None,
                promoted=None,
                receipt=None,
                keeps=current.seq,
            )

        return self._append(name, expected_current, entry)

    def current(self, name: str) -> ReleaseRecord | None:
        """Return the newest release of ``name``, or None; a deprecation is none."""
        return current_of(self.head(name), self._entry_of(name))

    def head(self, name: str) -> ReleaseRecord | None:
        """Return the newest entry of ``name``, of whatever kind, or None."""
        return next(self.iter_history(name, limit=1), None)

    def history(self, name: str) -> list[ReleaseRecord]:
        """Return all entries of ``name``, the newest first; [] for an unknown name."""
        return list(self.iter_history(name))

    def iter_history(
        self,
        name: str,
        *,
        limit: int | None = None,
        after: int = 0,
        newest_first: bool = True,
    ) -> Iterator[ReleaseRecord]:
        """Yield the entries of ``name`` behind the seq ``after``, in constant memory.

        Raises InvalidInputError for another number or a negative limit.
        """
        for entry, body in self._payloads(name, after, limit, newest_first=newest_first):
            yield read_record(name, entry, body)

    def iter_labels(self, name: str, *, after: int) -> Iterator[tuple[int, str | None]]:
        """Yield seq and version label of the entries of ``name`` behind the seq ``after``."""
        for entry, body in self._payloads(name, after, None, newest_first=False):
            said: Any = body
            try:
                yield entry.seq, said["metadata"]["version_label"]
            except (KeyError, TypeError):
                # Reading it as a record says what is wrong with it.
                yield entry.seq, read_record(name, entry, body).metadata.version_label

    def _payloads(
        self, name: str, after: int, limit: int | None, *, newest_first: bool
    ) -> Iterator[tuple[Entry, Json]]:
        first = max(0, integer("after", after))
        entries = self._ledger.entries(
            Family.RELEASE, name, after=first, limit=at_most(limit), newest_first=newest_first
        )
        return bodies.payloads(self._objects, entries)

    def entry(self, name: str, seq: int) -> ReleaseRecord:
        """Return one entry; ReleaseNotFound when there is none of this seq."""
        if seq >= 1:
            found = self.iter_history(name, after=seq - 1, limit=1, newest_first=False)
            for record in found:
                return record
        place = f"{name}@{seq}"
        raise not_found(place)

    def find(self, name: str, wanted: int | str | Digest | None, steps: int = 0) -> ReleaseRecord:
        """Return the current entry or the one ``wanted``, then ``steps`` back in the lineage.

        Raises ReleaseNotFound, AmbiguousId.
        """
        record = self.current(name)
        if record is None:
            raise not_found(name)
        if wanted is not None:
            record = self._earlier.named(name, wanted)
        return ancestor(record, steps, self._entry_of(name))

    def deprecation(self, record: ReleaseRecord) -> ReleaseRecord | None:
        """Return the newest deprecation of what an entry released, or None."""
        entry = self._entry_of(record.name)
        return deprecation_of(promoted_seq(record, entry), self.head(record.name), entry)

    def list(self) -> list[ReleaseRecord]:
        """Return the current release of every agent, by name."""
        heads = (self.current(stream.name) for stream in self._ledger.streams(Family.RELEASE))
        return [head for head in heads if head is not None]

    def _entry_of(self, name: str) -> Callable[[int], ReleaseRecord]:
        return lambda seq: self.entry(name, seq)

    def _append(self, name: str, expected: Digest | str | int | None, make: Make) -> ReleaseRecord:
        """Append what ``make`` makes of what is current.

        Where somebody moved first it is asked again, so that it never speaks of the past.
        """
        for left in reversed(range(_ATTEMPTS)):
            head = self.head(name)
            current = current_of(head, self._entry_of(name))
            check_expected(name, current, expected)
            size = head.seq if head else 0
            record = make(current, size + 1, newest_deprecation(head))
            draft, stored = bodies.draft(
                self._objects,
                record.kind.value,
                release_body(record),
                record.created_at,
                record.created_at,
                salt=self._salts(SALT_SIZE),
            )
            append = Append(Family.RELEASE, name, (draft,), expected_size=size)
            batch = Batch(objects=(stored,) if stored else (), appends=(append,))
            try:
                receipt = self._ledger.commit(batch)
            except WrongExpectedSequence:
                if not left:
                    raise
            else:
                self._committed()
                return replace(record, log_index=receipt.numbers[0] - 1)
        raise AssertionError(name)  # pragma: no cover - the last attempt returns or raises
