"""Attestations: a release as in-toto Statements that tools of others can check.

A statement is canonical JSON (RFC 8785) and follows from the release alone: it is the same
bytes whenever it is made. Its first subject is the spec; what it is about is told by the
subject's ``uri``, the package URL of the release.
Contracts: https://in-toto.io/Statement/v1 and the pages of the three predicate types.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from aivcs.domain import canonical, uris
from aivcs.domain.digest import Digest
from aivcs.domain.dsse import Envelope
from aivcs.domain.moment import text
from aivcs.domain.published import RELEASES, log_origin
from aivcs.domain.release import ReleaseKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aivcs.domain.canonical import Json
    from aivcs.domain.evidence import Example
    from aivcs.domain.release import ReleaseRecord
    from aivcs.domain.signing import Signer
    from aivcs.domain.verdict import Verdict

    Fields = dict[str, Json]

STATEMENT: Final = "https://in-toto.io/Statement/v1"
PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
SPEC: Final = "spec"
"""The name of the subject that is the spec."""

OWN: Final = "aivcs"
"""The field of the predicate ``release`` that is an extension."""

PASSED: Final = "PASSED"
WARNED: Final = "WARNED"
FAILED: Final = "FAILED"
_LEVEL: Final = "AIVCS_GATE_"
_SLSA: Final = "1.0"
_LONGEST: Final = 160


class Kind(StrEnum):
    """What an attestation says of a release: that it is one, how it did, what gates said."""

    RELEASE = "release"
    TEST_RESULT = "test-result"
    VSA = "vsa"


PREDICATES: Final = {
    Kind.RELEASE: "https://in-toto.io/attestation/release/v0.1",
    Kind.TEST_RESULT: "https://in-toto.io/attestation/test-result/v0.1",
    Kind.VSA: "https://slsa.dev/verification_summary/v1",
}
"""The predicate type of each kind."""


@dataclass(frozen=True, slots=True)
class Attestation:
    """A signed statement about the release ``name@seq``."""

    kind: Kind
    name: str
    seq: int
    spec_digest: Digest
    envelope: Envelope

    @property
    def file_name(self) -> str:
        """Return what its file is called in a folder of several; no name is too long for that."""
        name = uris.quoted(self.name)
        if len(name) > _LONGEST:
            name = f"{name[:_LONGEST]}-{Digest.of(self.name.encode()).short()}"
        return f"{name}@{self.seq}.{self.kind.value}.json"

    def data(self) -> bytes:
        """Return the bytes of its file: a DSSE envelope."""
        return self.envelope.data()


def signed(kind: Kind, record: ReleaseRecord, statement: Fields, signer: Signer) -> Attestation:
    """Return a statement about a release in an envelope that ``signer`` has signed."""
    envelope = Envelope(canonical.dumps(statement), PAYLOAD_TYPE).signed(signer)
    return Attestation(kind, record.name, record.seq, record.spec_digest, envelope)


def release_statement(
    origin: str, record: ReleaseRecord, components: Mapping[str, Digest | None]
) -> Fields:
    """Return that an entry of the log of releases made this spec current, or left it so.

    Components are subjects of their own. What kind of entry it is, who made it and why stands
    in the extension ``aivcs`` of the predicate.
    """
    parts: list[Json] = [
        {"name": part, "digest": {"sha256": str(digest)}}
        for part, digest in components.items()
        if digest is not None
    ]
    purl = uris.release_purl(origin, record.name, record.seq)
    predicate: Fields = {"purl": purl, OWN: _entry(origin, record)}
    return _statement(Kind.RELEASE, [_spec(purl, record), *parts], predicate)


def result_statement(
    origin: str,
    record: ReleaseRecord,
    verdict: Verdict,
    examples: Mapping[tuple[str, str], Example],
    runs: Sequence[tuple[str, str]],
) -> Fields:
    """Return how the examples did that a verdict rests on; ``runs`` have their results.

    An example is passed when all of its trials passed, warned of when some did, else failed;
    the result is the worst of them.
    """
    tests: dict[str, list[str]] = {PASSED: [], WARNED: [], FAILED: []}
    for (suite, example_id), one in examples.items():
        worst = PASSED if one.passed else WARNED if one.passes else FAILED
        tests[worst].append(f"{suite}/{example_id}")
    result = FAILED if tests[FAILED] else WARNED if tests[WARNED] else PASSED
    policy: Fields = {"name": "policy", **_policy(verdict), "annotations": _gates(verdict)}
    predicate: Fields = {
        "result": result,
        "configuration": [policy, *({"name": run, **_run(run, seal)} for run, seal in runs)],
        "passedTests": tests[PASSED],
        "warnedTests": tests[WARNED],
        "failedTests": tests[FAILED],
    }
    purl = uris.release_purl(origin, record.name, record.seq)
    return _statement(Kind.TEST_RESULT, [_spec(purl, record)], predicate)


def verdict_statement(origin: str, record: ReleaseRecord, verdict: Verdict) -> Fields:
    """Return what the gates said of a release: a verification summary of SLSA.

    Its levels are the gates that passed, none of them a level of SLSA.
    """
    purl = uris.release_purl(origin, record.name, record.seq)
    levels = [f"{_LEVEL}{one.gate.upper()}" for one in verdict.gates]
    predicate: Fields = {
        "verifier": {"id": uris.origin_uri(origin)},
        "timeVerified": text(record.created_at),
        "resourceUri": purl,
        "policy": _policy(verdict),
        "inputAttestations": [_run(run, seal) for run, seal in verdict.evidence],
        "verificationResult": PASSED if verdict.passed else FAILED,
        "verifiedLevels": levels if verdict.passed else [FAILED],
        "slsaVersion": _SLSA,
    }
    subject = {**_spec(purl, record), "annotations": _gates(verdict)}
    return _statement(Kind.VSA, [subject], predicate)


def _statement(kind: Kind, subject: Sequence[Json], predicate: Fields) -> Fields:
    return {
        "_type": STATEMENT,
        "subject": subject,
        "predicateType": PREDICATES[kind],
        "predicate": predicate,
    }


def _spec(purl: str, record: ReleaseRecord) -> Fields:
    return {"name": SPEC, "uri": purl, "digest": {"sha256": str(record.spec_digest)}}


def _policy(verdict: Verdict) -> Fields:
    return {"uri": uris.digest_uri(verdict.policy), "digest": {"sha256": str(verdict.policy)}}


def _gates(verdict: Verdict) -> Fields:
    return {"gates": [one._asdict() for one in verdict.gates]}


def _run(run_id: str, seal: str) -> Fields:
    return {"uri": uris.run_uri(run_id, Digest.parse(seal)), "digest": {"sha256": seal}}


def _entry(origin: str, record: ReleaseRecord) -> Fields:
    """Return what the log of releases says of an entry; what it does not say is left out."""
    target = "deprecates" if record.kind is ReleaseKind.DEPRECATE else "restores"
    said: Fields = {
        "log": log_origin(origin, RELEASES),
        "logIndex": record.log_index,
        "name": record.name,
        "seq": record.seq,
        "kind": record.kind.value,
        "versionLabel": record.metadata.version_label,
        "promotedBy": record.metadata.promoted_by,
        "notes": record.metadata.notes,
        "createdAt": text(record.created_at),
        "actor": record.actor,
        "reason": record.reason,
        "previous": record.previous,
        target: record.restores,
        "keeps": record.keeps,
    }
    return {key: value for key, value in said.items() if value is not None}
