"""The ReleaseRegistry: what is in production, and the way back."""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import dropwhile
from typing import TYPE_CHECKING, Any, Final, cast

from aivcs.domain.batch import Batch
from aivcs.domain.commitment import SALT_SIZE
from aivcs.domain.digest import Digest
from aivcs.domain.events import MAX_SEQ
from aivcs.domain.log_writes import Append
from aivcs.domain.names import check_name, check_text
from aivcs.domain.release import (
    ReleaseKind,
    ReleaseMetadata,
    ReleaseRecord,
    ancestor,
    check_actor,
    check_expected,
    check_metadata,
    not_found,
    previous_of,
    select,
)
from aivcs.domain.spec import AgentSpec
from aivcs.domain.stream import Family
from aivcs.errors import CorruptionError, GateFailed, WrongExpectedSequence
from aivcs.services import bodies

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from aivcs.domain.canonical import Json
    from aivcs.domain.stream import Entry
    from aivcs.ports import Clock, Ledger, Salts
    from aivcs.services.objects import CasStore
    from aivcs.services.specs import SpecStore

_ATTEMPTS: Final = 500


class ReleaseRegistry:
    """An append-only release log per agent, under the source system's names.

    ``actor`` tells who acts where a call does not say. ``committed`` is called when a release
    was recorded; it does not raise.
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
        committed: Callable[[], None] = lambda: None,
    ) -> None:
        self._ledger = ledger
        self._objects = objects
        self._specs = specs
        self._clock = clock
        self._actor = actor
        self._salts = salts
        self._committed = committed

    def promote(
        self,
        name: str,
        spec_digest: Digest | str | AgentSpec,
        metadata: ReleaseMetadata,
        *,
        require: Iterable[str] = (),
        expected_current: Digest | str | int | None = None,
    ) -> ReleaseRecord:
        """Make a spec the current release of ``name`` and return the new entry.

        Every object of the spec is verified first. ``require`` names gates that must find
        nothing. Raises SpecNotFound, MissingObject, IntegrityError, GateFailed (with every
        violation), StaleCurrent, InvalidName, InvalidInputError.
        """
        check_name(name)
        check_metadata(metadata)
        found = spec_digest.digest if isinstance(spec_digest, AgentSpec) else spec_digest
        spec = self._specs.require(Digest.parse(found))
        gates = tuple(require)

        def entry(head: ReleaseRecord | None) -> ReleaseRecord:
            if gates:
                self._check_gates(name, gates, spec, metadata, head)
            return ReleaseRecord(
                name=name,
                seq=head.seq + 1 if head else 1,
                kind=ReleaseKind.PROMOTE,
                spec_digest=spec.digest,
                metadata=metadata,
                created_at=self._clock(),
                actor=metadata.promoted_by,
                previous=head.seq if head else None,
            )

        return self._append(name, expected_current, entry)

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
        earlier entry, by seq, label or digest. Every object of the restored spec is
        verified first. Raises ReleaseNotFound, NoPreviousRelease, AmbiguousId,
        StaleCurrent, MissingObject, IntegrityError, InvalidInputError.
        """
        who = check_actor(self._actor() if actor is None else actor)
        check_text("the reason", reason)

        def entry(head: ReleaseRecord | None) -> ReleaseRecord:
            if head is None:
                raise not_found(name)
            if to is None:
                restored = self.entry(name, previous_of(name, head))
            else:
                earlier = dropwhile(lambda r: r.seq >= head.seq, self.iter_history(name))
                restored = select(name, earlier, to)
            self._specs.require(restored.spec_digest)
            return ReleaseRecord(
                name=name,
                seq=head.seq + 1,
                kind=ReleaseKind.ROLLBACK,
                spec_digest=restored.spec_digest,
                metadata=restored.metadata,
                created_at=self._clock(),
                actor=who,
                reason=reason,
                previous=restored.previous,
                restores=restored.seq,
                no_change=restored.spec_digest == head.spec_digest,
            )

        return self._append(name, expected_current, entry)

    def current(self, name: str) -> ReleaseRecord | None:
        """Return the newest entry of ``name``, or None."""
        return next(self.iter_history(name, limit=1), None)

    def history(self, name: str) -> list[ReleaseRecord]:
        """Return all entries of ``name``, the newest first; [] for an unknown name."""
        return list(self.iter_history(name))

    def iter_history(self, name: str, *, limit: int | None = None) -> Iterator[ReleaseRecord]:
        """Yield the entries of ``name``, the newest first, in constant memory."""
        entries = self._ledger.entries(Family.RELEASE, name, limit=limit, newest_first=True)
        for entry, body in bodies.payloads(self._objects, entries):
            yield read_record(name, entry, body)

    def entry(self, name: str, seq: int) -> ReleaseRecord:
        """Return one entry; ReleaseNotFound when there is none of this seq."""
        if 1 <= seq <= MAX_SEQ:
            entries = self._ledger.entries(Family.RELEASE, name, after=seq - 1, limit=1)
            for entry, body in bodies.payloads(self._objects, entries):
                return read_record(name, entry, body)
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
            record = select(name, self.iter_history(name), wanted)
        return ancestor(record, steps, lambda seq: self.entry(name, seq))

    def list(self) -> list[ReleaseRecord]:
        """Return the current release of every agent, by name."""
        heads = (self.current(stream.name) for stream in self._ledger.streams(Family.RELEASE))
        return [head for head in heads if head is not None]

    def _append(
        self,
        name: str,
        expected: Digest | str | int | None,
        entry: Callable[[ReleaseRecord | None], ReleaseRecord],
    ) -> ReleaseRecord:
        """Append what ``entry`` makes of the head, and again when somebody moved first."""
        for left in reversed(range(_ATTEMPTS)):
            head = self.current(name)
            check_expected(name, head, expected)
            record = entry(head)
            draft, stored = bodies.draft(
                self._objects,
                record.kind.value,
                _body(record),
                record.created_at,
                record.created_at,
                salt=self._salts(SALT_SIZE),
            )
            append = Append(Family.RELEASE, name, (draft,), expected_size=head.seq if head else 0)
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

    def _check_gates(
        self,
        name: str,
        gates: tuple[str, ...],
        spec: AgentSpec,
        metadata: ReleaseMetadata,
        head: ReleaseRecord | None,
    ) -> None:
        from aivcs.domain import gate

        candidate = gate.Candidate(
            metadata=metadata,
            spec=spec,
            current=self._specs.get(head.spec_digest) if head else None,
            current_label=head.metadata.version_label if head else None,
            labels=frozenset(
                record.metadata.version_label
                for record in self.iter_history(name)
                if record.metadata.version_label is not None
            ),
        )
        violations = gate.evaluate(gates, candidate)
        if violations:
            found = "; ".join(f"{v.gate}: {v.detail}" for v in violations)
            msg = f"{name} was not promoted: {found}"
            raise GateFailed(msg, hint="mend what the gates found, then promote again")


def _body(record: ReleaseRecord) -> dict[str, Json]:
    body: dict[str, Json] = {
        "spec_digest": str(record.spec_digest),
        "metadata": {
            "version_label": record.metadata.version_label,
            "promoted_by": record.metadata.promoted_by,
            "notes": record.metadata.notes,
        },
        "actor": record.actor,
        "reason": record.reason,
        "previous": record.previous,
        "restores": record.restores,
    }
    if record.kind is ReleaseKind.ROLLBACK:
        body["no_change"] = record.no_change
    return body


def read_record(name: str, entry: Entry, body: Json) -> ReleaseRecord:
    """Return a stored entry as a record; CorruptionError when it is not one."""
    try:
        fields = dict(cast("Mapping[str, Any]", body))
        return ReleaseRecord(
            name=name,
            seq=entry.seq,
            kind=ReleaseKind(entry.kind),
            spec_digest=Digest.parse(fields["spec_digest"]),
            metadata=ReleaseMetadata(**fields["metadata"]),
            created_at=entry.timestamp,
            actor=fields["actor"],
            reason=fields["reason"],
            previous=fields["previous"],
            restores=fields["restores"],
            no_change=fields.get("no_change", False),
            log_index=None if entry.number is None else entry.number - 1,
        )
    except (KeyError, TypeError, ValueError) as error:
        msg = f"release {name}@{entry.seq} cannot be read: {error}"
        raise CorruptionError(msg, hint="'aivcs verify' names what is damaged") from error
