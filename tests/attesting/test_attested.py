"""Checking an attestation with a verifier key and nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import aivcs
from aivcs.domain import canonical
from aivcs.domain.attestation import PAYLOAD_TYPE, Kind
from aivcs.domain.dsse import Envelope
from aivcs.errors import InvalidDigest, InvalidInputError, ProofInvalid
from aivcs.testing.subject import add_spec
from tests.attesting.conftest import AGENT, KEY, LOG, ORIGIN, OTHER, gated, vkey

if TYPE_CHECKING:
    from collections.abc import Callable

    from aivcs.domain.attested import Attested
    from aivcs.domain.note import Signer
    from aivcs.repo import Repo


@pytest.fixture
def files(repo: Repo) -> dict[Kind, bytes]:
    """Attest a release in every kind."""
    gated(repo, "11 10 00")
    return {kind: repo.attest(AGENT, kind=kind).data() for kind in Kind}


def made(statement: object, kind: str = PAYLOAD_TYPE, signer: Signer = KEY) -> bytes:
    """Return the file of a statement that who has the key has signed."""
    payload = statement if isinstance(statement, bytes) else canonical.dumps(statement)
    return Envelope(payload, kind).signed(signer).data()


def read(data: bytes) -> Any:
    return json.loads(Envelope.parse(data).payload)


def test_what_it_says(repo: Repo, files: dict[Kind, bytes]) -> None:
    record = repo.releases.entry(AGENT, 1)
    components = repo.specs.get(record.spec_digest).components
    for kind, data in files.items():
        found = aivcs.verify_attestation(data, vkey(OTHER), vkey(), spec=record.spec_digest)
        assert (found.kind, found.spec_digest) == (kind, record.spec_digest)
        assert found.uri == "pkg:generic/example.com/agents/support%2Fprod@1"
        assert found.signed_by == (vkey(),)
        assert found.predicate == read(data)["predicate"]
        parts = {"prompts": components["prompts"]} if kind is Kind.RELEASE else {}
        assert found.subjects == {"spec": record.spec_digest, **parts}


@pytest.mark.parametrize("kind", list(Kind))
def test_every_changed_byte_is_refused_or_proves_nothing(
    files: dict[Kind, bytes], kind: Kind
) -> None:
    data = files[kind]
    whole = aivcs.verify_attestation(data, vkey())
    # The id of the key is a hint: nothing hangs on it, its name, and what stands behind.
    hints = range(data.index(b'"keyid"'), data.index(b'"sig"'))
    for at, byte in enumerate(data[:-1]):
        changed = data[:at] + bytes([byte ^ (0x01 if at % 2 else 0x20)]) + data[at + 1 :]
        try:
            found = aivcs.verify_attestation(changed, vkey())
        except ProofInvalid:
            continue
        assert at in hints, changed
        assert found == whole


def test_a_wrong_key_and_the_key_of_another_log_are_refused(files: dict[Kind, bytes]) -> None:
    data = files[Kind.VSA]
    with pytest.raises(ProofInvalid, match="no known key has signed it"):
        aivcs.verify_attestation(data, vkey(OTHER))
    for name in ("elsewhere.org/releases", f"{ORIGIN}/runs", ORIGIN, "example.com/releases"):
        with pytest.raises(ProofInvalid, match=f"it is about .*, and the key is of {name}"):
            aivcs.verify_attestation(data, vkey(name=name))
        both = aivcs.verify_attestation(data, vkey(name=name), vkey())
        assert both.signed_by == (vkey(),)
    for wrong in ("no key", vkey()[:-2]):
        with pytest.raises(InvalidInputError):
            aivcs.verify_attestation(data, wrong)
    with pytest.raises(ProofInvalid):
        aivcs.verify_attestation(data)


def test_another_release_is_refused(repo: Repo, files: dict[Kind, bytes]) -> None:
    other = gated(repo, "1", "Be brief.")
    mine, his = (Envelope.parse(repo.attest(AGENT, seq).data()) for seq in (1, 2))
    for swapped in (
        Envelope(mine.payload, PAYLOAD_TYPE, his.signatures),
        Envelope(Envelope.parse(files[Kind.VSA]).payload, PAYLOAD_TYPE, mine.signatures),
    ):
        with pytest.raises(ProofInvalid, match="does not hold"):
            aivcs.verify_attestation(swapped.data(), vkey())
    with pytest.raises(ProofInvalid, match="it is about the spec") as caught:
        aivcs.verify_attestation(mine.data(), vkey(), spec=other.spec_digest)
    assert caught.value.exit_code == 6
    # A component is a subject, and no spec.
    component = repo.specs.get(add_spec(repo)).components["prompts"]
    with pytest.raises(ProofInvalid, match="it is about the spec"):
        aivcs.verify_attestation(mine.data(), vkey(), spec=component)
    with pytest.raises(InvalidDigest):
        aivcs.verify_attestation(mine.data(), vkey(), spec="abcd")


def test_several_signatures(files: dict[Kind, bytes]) -> None:
    once = Envelope.parse(files[Kind.RELEASE])
    twice = once.signed(OTHER)
    assert aivcs.verify_attestation(twice.data(), vkey()).signed_by == (vkey(),)
    both = aivcs.verify_attestation(twice.data(), vkey(OTHER), vkey())
    assert set(both.signed_by) == {vkey(), vkey(OTHER)}


def test_what_is_signed_but_of_another_type_is_refused(files: dict[Kind, bytes]) -> None:
    statement = read(files[Kind.RELEASE])
    for kind in ("application/json", "", "application/vnd.in-toto+jso"):
        with pytest.raises(ProofInvalid, match="its type is"):
            aivcs.verify_attestation(made(statement, kind), vkey())


def changes(kind: Kind) -> list[Callable[[Any], object]]:
    """Return what makes a statement one that we would not write."""

    def put(value: object, *path: str | int) -> Callable[[Any], object]:
        def change(statement: Any) -> object:
            place = statement
            for step in path[:-1]:
                place = place[step]
            place[path[-1]] = value
            return statement

        return change

    own: dict[Kind, list[Callable[[Any], object]]] = {
        Kind.RELEASE: [
            put("pkg:generic/other@1", "predicate", "purl"),
            put("pkg:generic/other@1", "subject", 0, "uri"),
            put(2, "predicate", "aivcs", "seq"),
            put("x", "predicate", "aivcs", "name"),
            put("\N{GREEK SMALL LETTER PI}", "predicate", "aivcs", "name"),
            put(5, "predicate", "aivcs", "name"),
            put(5, "predicate", "aivcs", "log"),
            put("other.org/releases", "predicate", "aivcs", "log"),
            put([], "predicate", "aivcs"),
        ],
        Kind.TEST_RESULT: [
            put("GOOD", "predicate", "result"),
            put([], "predicate", "result"),
            put("x", "predicate", "configuration"),
            put({}, "predicate", "failedTests"),
        ],
        Kind.VSA: [
            put("GOOD", "predicate", "verificationResult"),
            put("pkg:generic/other@1", "predicate", "resourceUri"),
            put("me", "predicate", "verifier"),
            put(5, "predicate", "verifier", "id"),
            put(None, "predicate", "timeVerified"),
            put("SLSA", "predicate", "verifiedLevels"),
        ],
    }
    common = [
        put("https://in-toto.io/Statement/v0.1", "_type"),
        put("https://slsa.dev/provenance/v1", "predicateType"),
        put([], "predicateType"),
        put([], "subject"),
        put({}, "subject"),
        put(["x"], "subject"),
        put(None, "subject", 0, "uri"),
        put("other", "subject", 0, "name"),
        put({"sha512": "00"}, "subject", 0, "digest"),
        put({"sha256": "00"}, "subject", 0, "digest"),
        put(None, "predicate"),
        put({}, "predicate"),
        lambda _: [],
        lambda _: {},
        lambda _: b"no json",
        lambda _: b"",
        lambda _: b"\xff",
    ]
    return [*own[kind], *common]


@pytest.mark.parametrize("kind", list(Kind))
def test_a_statement_that_is_not_ours_is_refused_whoever_signed_it(
    files: dict[Kind, bytes], kind: Kind
) -> None:
    assert aivcs.verify_attestation(made(read(files[kind])), vkey()).kind is kind
    for change in changes(kind):
        data = made(change(read(files[kind])))
        with pytest.raises(ProofInvalid) as caught:
            aivcs.verify_attestation(data, vkey())
        assert caught.value.hint is not None


def test_an_unknown_predicate_is_named(files: dict[Kind, bytes]) -> None:
    statement = {**read(files[Kind.VSA]), "predicateType": "https://slsa.dev/provenance/v1"}
    with pytest.raises(ProofInvalid, match=r"type 'https://slsa.dev/provenance/v1' is unknown"):
        aivcs.verify_attestation(made(statement), vkey())


def test_fields_that_are_unknown_are_passed_over(files: dict[Kind, bytes]) -> None:
    def more(kind: Kind) -> Attested:
        statement = read(files[kind])
        statement["extension"] = statement["predicate"]["extension"] = {"a": [1]}
        return aivcs.verify_attestation(made(statement), vkey())

    assert [more(kind).kind for kind in Kind] == list(Kind)


def test_every_beginning_of_a_file_is_refused(files: dict[Kind, bytes]) -> None:
    data = files[Kind.RELEASE]
    for end in range(len(data) - 1):
        with pytest.raises(ProofInvalid):
            aivcs.verify_attestation(data[:end], vkey())
    assert LOG in vkey()
