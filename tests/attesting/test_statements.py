"""What the statements say, against what the ledger has, written out by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from aivcs.domain import attestation, uris
from aivcs.domain.attestation import Kind
from aivcs.domain.digest import Digest
from aivcs.domain.moment import text
from aivcs.domain.release import ReleaseKind, ReleaseMetadata, ReleaseRecord
from aivcs.domain.verdict import Outcome, Verdict
from aivcs.testing.subject import add_spec, by
from tests.attesting.conftest import AGENT, KEY, LOG, ORIGIN, gated, outcomes

if TYPE_CHECKING:
    from aivcs.repo import Repo

PURL = "pkg:generic/example.com/agents/support%2Fprod"


def said(repo: Repo, wanted: int | str | None = None, kind: str = "release") -> Any:
    """Return the statement in an attestation."""
    return json.loads(repo.attest(AGENT, wanted, kind).envelope.payload)


def spec(repo: Repo, seq: int) -> dict[str, Any]:
    digest = str(repo.releases.entry(AGENT, seq).spec_digest)
    return {"name": "spec", "uri": f"{PURL}@{seq}", "digest": {"sha256": digest}}


def test_a_promote(repo: Repo) -> None:
    found = repo.specs.add(
        {"name": "a", "components": {"prompts": {"p": "x"}, "model": {"name": "m"}}}
    )
    notes = ReleaseMetadata("v1", "ada", "it is \N{GREEK SMALL LETTER PI}")
    record = repo.releases.promote(AGENT, found, notes, reason="why not")
    assert said(repo) == {
        "_type": "https://in-toto.io/Statement/v1",
        "predicateType": "https://in-toto.io/attestation/release/v0.1",
        "subject": [
            spec(repo, 1),
            {"name": "prompts", "digest": {"sha256": str(found.components["prompts"])}},
            {"name": "model", "digest": {"sha256": str(found.components["model"])}},
        ],
        "predicate": {
            "purl": f"{PURL}@1",
            "aivcs": {
                "log": LOG,
                "logIndex": 0,
                "name": AGENT,
                "seq": 1,
                "kind": "promote",
                "versionLabel": "v1",
                "promotedBy": "ada",
                "notes": "it is \N{GREEK SMALL LETTER PI}",
                "createdAt": text(record.created_at),
                "actor": "ada",
                "reason": "why not",
            },
        },
    }


def test_a_rollback_and_a_deprecation_say_what_they_are(repo: Repo) -> None:
    for prompt in ("one", "two"):
        repo.releases.promote(AGENT, add_spec(repo, prompt), by("ada", prompt))
    repo.releases.rollback(AGENT, actor="eve", reason="slow")
    repo.releases.deprecate(AGENT, 2, actor="bob", reason="wrong")
    rollback, mark = said(repo, 3), said(repo, 4)
    assert rollback["subject"][0] == spec(repo, 3)
    assert rollback["subject"][0]["digest"] == spec(repo, 1)["digest"]
    told = {"kind": "rollback", "restores": 1, "actor": "eve", "reason": "slow", "logIndex": 2}
    assert told.items() <= rollback["predicate"]["aivcs"].items()
    assert rollback["predicate"]["aivcs"]["versionLabel"] == "one"
    # A deprecation leaves the spec current that was current before.
    assert mark["subject"][0]["digest"] == spec(repo, 1)["digest"]
    told = {"kind": "deprecate", "deprecates": 2, "keeps": 3, "actor": "bob", "reason": "wrong"}
    assert told.items() <= mark["predicate"]["aivcs"].items()
    assert said(repo) == rollback
    assert said(repo, "two")["subject"][0] == spec(repo, 2)


def test_the_examples_that_a_verdict_rests_on(repo: Repo) -> None:
    record = gated(repo, "11 1 10 00 01")
    ((run, seal),) = record.verdict.evidence if record.verdict else ()
    found = said(repo, kind="test-result")
    assert found["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    assert found["subject"] == [spec(repo, 1)]
    predicate = found["predicate"]
    policy, evaluation = predicate.pop("configuration")
    assert predicate == {
        "result": "FAILED",
        "passedTests": ["faq/q1", "faq/q2"],
        "warnedTests": ["faq/q3", "faq/q5"],
        "failedTests": ["faq/q4"],
    }
    uri = f"urn:uuid:{run}"
    assert evaluation == {"name": run, "uri": uri, "digest": {"sha256": seal}}
    assert policy["name"] == "policy"
    assert policy["digest"] == {"sha256": str(record.verdict and record.verdict.policy)}
    gates = [(one["gate"], one["value"], one["passed"]) for one in policy["annotations"]["gates"]]
    assert gates == [("min_pass_rate", 0.25, True), ("min_examples", 1, True)]


@pytest.mark.parametrize(("trials", "result"), [("1 11", "PASSED"), ("1 01", "WARNED")])
def test_the_result_is_the_worst_of_the_examples(repo: Repo, trials: str, result: str) -> None:
    gated(repo, trials)
    assert said(repo, kind="test-result")["predicate"]["result"] == result


def test_only_what_the_verdict_names_and_of_this_spec_counts(repo: Repo) -> None:
    first = gated(repo, "1 1")
    second = gated(repo, "1 1 0", "Be brief.", "max_regression=0.5")
    repo.evidence.record(second.spec_digest, outcomes("0 0 0", "later"))
    assert second.verdict is not None
    assert first.verdict is not None
    assert set(first.verdict.evidence) < set(second.verdict.evidence)
    predicate = said(repo, kind="test-result")["predicate"]
    assert predicate["passedTests"] == ["faq/q1", "faq/q2"]
    assert predicate["failedTests"] == ["faq/q3"]
    (own,) = set(second.verdict.evidence) - set(first.verdict.evidence)
    assert [one["name"] for one in predicate["configuration"]] == ["policy", own[0]]
    inputs = said(repo, kind="vsa")["predicate"]["inputAttestations"]
    assert [one["digest"]["sha256"] for one in inputs] == [s for _, s in second.verdict.evidence]


def test_the_verdict(repo: Repo) -> None:
    record = gated(repo, "1 0")
    assert record.verdict is not None
    found = said(repo, kind="vsa")
    (subject,) = found["subject"]
    assert [one["detail"] for one in subject.pop("annotations")["gates"]] == [
        "0.5 over 2 examples",
        "2 examples",
    ]
    assert subject == spec(repo, 1)
    assert found["predicateType"] == "https://slsa.dev/verification_summary/v1"
    policy = found["predicate"].pop("policy")
    assert policy["digest"] == {"sha256": str(record.verdict.policy)}
    assert policy["uri"].startswith("ni:///sha-256;")
    ((run, seal),) = record.verdict.evidence
    assert found["predicate"] == {
        "verifier": {"id": "https://example.com/agents"},
        "timeVerified": text(record.created_at),
        "resourceUri": f"{PURL}@1",
        "inputAttestations": [{"uri": f"urn:uuid:{run}", "digest": {"sha256": seal}}],
        "verificationResult": "PASSED",
        "verifiedLevels": ["AIVCS_GATE_MIN_PASS_RATE", "AIVCS_GATE_MIN_EXAMPLES"],
        "slsaVersion": "1.0",
    }


def test_a_verdict_that_refuses_would_say_so() -> None:
    verdict = Verdict(Digest.of(b"p"), (Outcome("no_flip", value=True, passed=False),))
    record = ReleaseRecord(
        "a",
        1,
        ReleaseKind.PROMOTE,
        Digest.of(b"s"),
        by(),
        datetime(2026, 1, 1, tzinfo=UTC),
        "ann",
        verdict=verdict,
    )
    predicate: Any = attestation.verdict_statement(ORIGIN, record, verdict)["predicate"]
    assert (predicate["verificationResult"], predicate["verifiedLevels"]) == ("FAILED", ["FAILED"])


def test_the_same_release_gives_the_same_bytes_and_they_are_known() -> None:
    record = ReleaseRecord(
        "bot",
        2,
        ReleaseKind.PROMOTE,
        Digest.of(b"spec"),
        by("ada"),
        datetime(2026, 1, 31, 12, tzinfo=UTC),
        "ada",
        previous=1,
        log_index=1,
    )
    statement = attestation.release_statement("example.com", record, {"tools": Digest.of(b"t")})
    made = attestation.signed(Kind.RELEASE, record, statement, KEY)
    assert made.data() == attestation.signed(Kind.RELEASE, record, statement, KEY).data()
    assert made.envelope.payload == (
        b'{"_type":"https://in-toto.io/Statement/v1","predicate":{"aivcs":{"actor":"ada",'
        b'"createdAt":"2026-01-31T12:00:00Z","kind":"promote","log":"example.com/releases",'
        b'"logIndex":1,"name":"bot","previous":1,"promotedBy":"ada","seq":2},'
        b'"purl":"pkg:generic/example.com/bot@2"},'
        b'"predicateType":"https://in-toto.io/attestation/release/v0.1","subject":[{"digest":'
        b'{"sha256":"d4f02eaafd1a9e9de7d10972ca8e47fa7a985825c3c9c1e249c72683cb3e4f19"},'
        b'"name":"spec","uri":"pkg:generic/example.com/bot@2"},{"digest":'
        b'{"sha256":"e3b98a4da31a127d4bde6e43033f66ba274cab0eb7eb1c70ec41402bf6273dd8"},'
        b'"name":"tools"}]}'
    )
    assert made.file_name == "bot@2.release.json"
    names = ["é" * 128, "é" * 127 + "e", "a" * 128]
    files = {replace(made, name=name).file_name for name in names}
    assert len(files) == len(names)
    assert max(map(len, files)) < 200


@pytest.mark.parametrize(
    ("origin", "uri", "purl"),
    [
        ("example.com/agents", "https://example.com/agents", "example.com/agents"),
        ("Example.COM/Agents", "https://example.com/Agents", "Example.COM/Agents"),
        ("HTTPS://a.org/x", "https://a.org/x", "HTTPS%3A/a.org/x"),
        ("team", "https://team", "team"),
        ("a//b/", "https://a//b/", "a/b"),
        ("\N{GREEK SMALL LETTER PI}/%?#", "https://%CF%80/%25%3F%23", "%CF%80/%25%3F%23"),
    ],
)
def test_uris(origin: str, uri: str, purl: str) -> None:
    assert uris.origin_uri(origin) == uri
    assert uris.release_purl(origin, "/a b", 7) == f"pkg:generic/{purl}/%2Fa%20b@7"


def test_runs_and_digests_have_uris() -> None:
    seal = Digest.of(b"Hello World!")
    # The example of RFC 6920, section 8.1.
    assert uris.digest_uri(seal) == "ni:///sha-256;f4OxZX_x_FO5LcGBSKHWXfwtSx-j1ncoSt3SABJtkGk"
    assert uris.run_uri("nightly 7", seal) == uris.digest_uri(seal)
    run = "5a27262b-1710-4aeb-83d6-6245c06c6f9f"
    assert uris.run_uri(run, seal) == f"urn:uuid:{run}"
