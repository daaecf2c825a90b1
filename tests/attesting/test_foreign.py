"""Programs of others read what we attest, and refuse what was changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from google.protobuf import json_format
from in_toto_attestation.predicates.test_result.v0 import test_result_pb2
from in_toto_attestation.predicates.vsa.v1 import vsa_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
from in_toto_attestation.v1.statement import Statement
from securesystemslib import dsse
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey

import aivcs
from aivcs.domain.attestation import Kind
from aivcs.domain.dsse import Envelope
from aivcs.domain.moment import parse
from aivcs.domain.public_key import key_id, pem
from aivcs.testing.subject import add_spec, by
from tests.attesting.conftest import AGENT, KEY, OTHER, gated, vkey

if TYPE_CHECKING:
    from aivcs.domain.note import Signer
    from aivcs.repo import Repo

PREDICATES = {Kind.TEST_RESULT: test_result_pb2.TestResult, Kind.VSA: vsa_pb2.VerificationSummary}


def foreign_key(signer: Signer) -> SSlibKey:
    """Return the key as securesystemslib makes it of the PEM that we give."""
    return SSlibKey.from_crypto(load_pem_public_key(pem(signer.verifier()).encode()))


def accepts(data: bytes, signer: Signer = KEY) -> bool:
    """Tell whether securesystemslib takes an envelope as signed by a key."""
    key = foreign_key(signer)
    try:
        envelope = dsse.Envelope.from_dict(json.loads(data))
        return list(envelope.verify([key], 1)) == [key.keyid]
    except (VerificationError, ValueError, KeyError, TypeError, AttributeError):
        return False


def checked(statement: Any) -> Statement:
    """Return a statement that in-toto's own code has read, strictly, and validated."""
    found = Statement.copy_from_pb(json_format.ParseDict(statement, statement_pb2.Statement()))
    found.validate()
    return found


@pytest.fixture
def everything(repo: Repo) -> list[tuple[Kind, bytes]]:
    """Attest all that a log with every kind of entry has."""
    gated(repo, "11 10 00")
    gated(repo, "1 1", "Be brief.", "max_regression=0.9", "no_tools_change")
    repo.releases.promote(AGENT, add_spec(repo, "plain"), by("bob"))
    repo.releases.rollback(AGENT, actor="eve", reason="slow")
    repo.releases.deprecate(AGENT, 2, actor="bob", reason="wrong")
    found = [(Kind.RELEASE, repo.attest(AGENT, seq).data()) for seq in range(1, 6)]
    for kind in (Kind.TEST_RESULT, Kind.VSA):
        found += [(kind, repo.attest(AGENT, seq, kind).data()) for seq in (1, 2)]
    return found


def test_they_accept_what_we_sign(everything: list[tuple[Kind, bytes]]) -> None:
    for _, data in everything:
        assert accepts(data)
        assert not accepts(data, OTHER)


def test_they_find_the_key_by_its_id() -> None:
    assert foreign_key(KEY).keyid == key_id(KEY.verifier())


def test_they_read_the_statements_and_the_predicates(everything: list[tuple[Kind, bytes]]) -> None:
    for kind, data in everything:
        payload = dsse.Envelope.from_dict(json.loads(data)).payload
        statement = json.loads(payload)
        found = checked(statement).pb
        assert json_format.MessageToDict(found) == statement
        if kind is Kind.RELEASE:
            continue
        predicate = statement["predicate"]
        # Their message says by mistake that it is one text (in-toto/attestation, issue 425).
        levels = predicate.pop("verifiedLevels", ["x"])
        assert levels
        assert all(isinstance(one, str) for one in levels)
        message = json_format.ParseDict(predicate, PREDICATES[kind]())
        again = json_format.MessageToDict(message)
        for said in (again, predicate):
            # Of a fraction they write three digits, or six.
            said["timeVerified"] = said.get("timeVerified") and parse(said["timeVerified"])
        # What is empty is left out there.
        assert again == {key: one for key, one in predicate.items() if one != []}
        for described in predicate.get("configuration", []):
            pb = json_format.ParseDict(described, ResourceDescriptor().pb)
            ResourceDescriptor.copy_from_pb(pb).validate()


def test_their_code_would_refuse_less(everything: list[tuple[Kind, bytes]]) -> None:
    statement = json.loads(Envelope.parse(everything[0][1]).payload)
    for field in ("_type", "subject", "predicateType", "predicate"):
        wrong = {key: one for key, one in statement.items() if key != field}
        with pytest.raises(ValueError, match=r"[Ww]rong|required"):
            checked(wrong)


@pytest.mark.parametrize("field", ["payload", "payloadType", "sig"])
def test_they_refuse_what_was_changed(everything: list[tuple[Kind, bytes]], field: str) -> None:
    data = everything[0][1]
    start = data.index(b'"%b":"' % field.encode()) + len(field) + 4
    end = data.index(b'"', start)
    for at in range(start, end, 3):
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        # The last bits of a text in base 64 may say nothing; we refuse that, they do not.
        if at < end - 3:
            assert not accepts(changed)
        with pytest.raises(aivcs.errors.ProofInvalid):
            aivcs.verify_attestation(changed, vkey())


def test_we_accept_what_they_sign(repo: Repo) -> None:
    gated(repo, "1")
    ours = repo.attest(AGENT)
    private = Ed25519PrivateKey.from_private_bytes(KEY.seed)
    theirs = dsse.Envelope(ours.envelope.payload, ours.envelope.payload_type, {})
    theirs.sign(CryptoSigner(private, foreign_key(KEY)))
    data = json.dumps(theirs.to_dict(), indent=2).encode()
    assert Envelope.parse(data) == ours.envelope
    assert aivcs.verify_attestation(data, vkey()).kind is Kind.RELEASE
