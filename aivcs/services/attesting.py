"""Attesting: what is recorded of a release as signed statements that others can check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aivcs.domain import attestation
from aivcs.domain.attestation import Kind
from aivcs.domain.evidence import Evidence
from aivcs.domain.release import ReleaseKind
from aivcs.errors import CorruptionError, IntegrityError, NothingToAttest
from aivcs.services import evidence_reading

if TYPE_CHECKING:
    from aivcs.domain.attestation import Attestation
    from aivcs.domain.evidence import Result
    from aivcs.domain.release import ReleaseRecord
    from aivcs.domain.signing import Signer
    from aivcs.domain.verdict import Verdict
    from aivcs.ports import Ledger
    from aivcs.services.objects import CasStore
    from aivcs.services.specs import SpecStore


class Attestor:
    """Attests releases; ``signer`` is the key of the public logs, whose name is theirs."""

    def __init__(self, ledger: Ledger, objects: CasStore, specs: SpecStore, signer: Signer) -> None:
        self._ledger = ledger
        self._objects = objects
        self._specs = specs
        self._signer = signer

    def attest(self, record: ReleaseRecord, kind: Kind) -> Attestation:
        """Return one statement about a release, signed.

        Raises NothingToAttest where nothing of that kind is recorded, CorruptionError and
        IntegrityError where a run that the verdict rests on is gone or changed.
        """
        origin = self._signer.name
        match kind:
            case Kind.RELEASE:
                components = self._specs.get(record.spec_digest).components
                said = attestation.release_statement(origin, record, components)
            case Kind.TEST_RESULT:
                verdict = _verdict(record, kind)
                evidence = self._evidence(record, verdict)
                said = attestation.result_statement(
                    origin, record, verdict, evidence.examples(), evidence.seals
                )
            case _:
                said = attestation.verdict_statement(origin, record, _verdict(record, kind))
        return attestation.signed(kind, record, said, self._signer)

    def _evidence(self, record: ReleaseRecord, verdict: Verdict) -> Evidence:
        """Return the results of the spec in those runs that the verdict names."""
        results: list[Result] = []
        seals: list[tuple[str, str]] = []
        for run_id, seal in verdict.evidence:
            run = self._ledger.run(run_id)
            if run is None:
                msg = f"run {run_id}, on which the verdict rests, is not in the ledger"
                raise CorruptionError(msg, hint="'aivcs verify' says more")
            # The others are of the release before, with which this one was compared.
            if run.spec_digest != record.spec_digest:
                continue
            found = evidence_reading.sealed_run(self._ledger, self._objects, run)
            if found.seal.hex() != seal:
                msg = f"run {run_id} was sealed as {seal}, and now as {found.seal.hex()}"
                raise IntegrityError(msg, hint="'aivcs verify' says more")
            if found.erased:
                msg = f"results of run {run_id}, on which the verdict rests, were erased"
                raise NothingToAttest(msg, hint="the verdict stays: attest the kind vsa")
            if found.results:
                seals.append((run_id, seal))
                results += found.results
        if not results:
            msg = f"the verdict on {record.name}@{record.seq} rests on no evaluation of its spec"
            raise NothingToAttest(msg, hint="attest the kind vsa, which says what the gates said")
        results.sort(key=lambda one: (one.suite, one.example_id))
        return Evidence(record.spec_digest, tuple(results), tuple(seals))


def _verdict(record: ReleaseRecord, kind: Kind) -> Verdict:
    if record.verdict is not None:
        return record.verdict
    msg = f"{record.name}@{record.seq} has no verdict, so there is no {kind.value}: "
    if record.kind is ReleaseKind.PROMOTE:
        msg += "no gate was asked"
        hint = f"declare gates, or give --require to the next 'aivcs promote {record.name}'"
    else:
        msg += f"a {record.kind.value} asks no gate"
        hint = f"'aivcs history {record.name}' lists the entries; a promote may have one"
    raise NothingToAttest(msg, hint=hint)
