"""The envelope by itself: what is signed, what is written, and what is refused."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from hypothesis import given
from hypothesis import strategies as st

from aivcs.domain.dsse import MAX_SIGNATURES, Envelope, Signature, pae
from aivcs.domain.note import KeyKind, Signer
from aivcs.domain.public_key import key_id, pem
from aivcs.errors import InvalidInputError, ProofInvalid
from tests.attesting.conftest import KEY, OTHER

# Of these bytes base 64 has every character but the two that differ.
PAYLOAD = bytes(range(256)) + b"\xfb\xff\xfe"
SIGNED = Envelope(PAYLOAD, "a/b").signed(KEY)
WITNESS = Signer("witness.org/w", bytes(32), KeyKind.COSIGNATURE)


def text(**changed: Any) -> bytes:
    """Return the file of the envelope with other fields; None leaves one out."""
    value = {**json.loads(SIGNED.data()), **changed}
    return json.dumps({key: one for key, one in value.items() if one is not None}).encode()


def test_what_is_signed_is_what_the_protocol_says() -> None:
    assert pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
    assert pae("\N{GREEK SMALL LETTER PI}", b"") == b"DSSEv1 2 \xcf\x80 0 "
    public = Ed25519PublicKey.from_public_bytes(KEY.verifier().public)
    public.verify(SIGNED.signatures[0].sig, b"DSSEv1 3 a/b 259 " + PAYLOAD)


def test_the_file_is_one_line_of_json() -> None:
    data = SIGNED.data()
    assert data.endswith(b"}\n")
    assert data.count(b"\n") == 1
    assert json.loads(data) == {
        "payload": base64.b64encode(PAYLOAD).decode(),
        "payloadType": "a/b",
        "signatures": [
            {
                "keyid": key_id(KEY.verifier()),
                "sig": base64.b64encode(SIGNED.signatures[0].sig).decode(),
            }
        ],
    }
    assert Envelope.parse(data) == SIGNED


@given(st.binary(max_size=80), st.text(st.characters(codec="utf-8"), max_size=20))
def test_what_is_written_is_read(payload: bytes, kind: str) -> None:
    envelope = Envelope(payload, kind).signed(KEY, OTHER)
    assert Envelope.parse(envelope.data()) == envelope
    assert envelope.verified([OTHER.verifier()]) == (OTHER.verifier(),)


def test_both_alphabets_of_base_64_are_read_but_not_in_one_text() -> None:
    standard = base64.b64encode(PAYLOAD).decode()
    other = base64.urlsafe_b64encode(PAYLOAD).decode()
    assert standard != other
    assert Envelope.parse(text(payload=other)) == SIGNED
    for payload in (
        other.replace("-", "+", 1),
        other.replace("_", "/", 1),
        standard[:-1],
        standard.rstrip("="),
        f"{standard}=",
        f"{standard}\n",
        f" {standard}",
        standard.replace("A", "!", 1),
        standard.replace("A", "\N{GREEK SMALL LETTER PI}", 1),
        # The bits that are left over are not 0.
        base64.b64encode(b"ab").decode().replace("I=", "J="),
    ):
        with pytest.raises(ProofInvalid, match="its payload: it is not base 64"):
            Envelope.parse(text(payload=payload))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[]", "no JSON object"),
        (b"[" * 200 + b"]" * 200, "not JSON"),
        (text(payload=None), "its payload is no text"),
        (text(payload=5), "its payload is no text"),
        (text(payloadType=None), "its payloadType is no text"),
        (text(payloadType="\ud800"), "its payloadType is no text"),
        (text(signatures=None), "no list of objects"),
        (text(signatures={}), "no list of objects"),
        (text(signatures=["x"]), "no list of objects"),
        (text(signatures=[{"keyid": "x"}]), "its sig is no text"),
        (text(signatures=[{"keyid": 5, "sig": ""}]), "its keyid is no text"),
        (text(signatures=[{"sig": ""}] * (MAX_SIGNATURES + 1)), "101 signatures, over 100"),
    ],
)
def test_what_is_no_envelope_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(ProofInvalid, match=why):
        Envelope.parse(data)


def test_every_beginning_of_a_file_is_refused() -> None:
    data = SIGNED.data()
    for end in range(len(data) - 1):
        with pytest.raises(ProofInvalid):
            Envelope.parse(data[:end])
    assert Envelope.parse(data[:-1]) == SIGNED


def test_fields_that_are_unknown_are_passed_over() -> None:
    sig = {**json.loads(SIGNED.data())["signatures"][0], "extension": {}}
    assert Envelope.parse(text(more=1, signatures=[sig])) == SIGNED


def test_one_known_key_that_signed_is_enough_and_the_id_of_a_key_proves_nothing() -> None:
    key, other = KEY.verifier(), OTHER.verifier()
    both = SIGNED.signed(OTHER)
    assert both.verified([key, other, key]) == (key, other)
    assert both.verified([other]) == (other,)
    for keyid in ("", "x", key_id(other)):
        named = Envelope(PAYLOAD, "a/b", (Signature(keyid, SIGNED.signatures[0].sig),))
        assert named.verified([key]) == (key,)
        with pytest.raises(ProofInvalid):
            named.verified([other])
    bad = Signature(key_id(key), bytes(64))
    assert Envelope(PAYLOAD, "a/b", (bad, *SIGNED.signatures)).verified([key]) == (key,)


def test_what_does_not_hold_says_so() -> None:
    key, other = KEY.verifier(), OTHER.verifier()
    for changed in (
        Envelope(PAYLOAD + b"x", "a/b", SIGNED.signatures),
        Envelope(PAYLOAD, "a/c", SIGNED.signatures),
        Envelope(PAYLOAD, "a/b", (Signature(key_id(key), b""),)),
    ):
        with pytest.raises(ProofInvalid, match=r"the signature by example.com/agents\+.* not hold"):
            changed.verified([key])
    with pytest.raises(ProofInvalid, match=f"no known key has signed it, only {key_id(key)}"):
        SIGNED.verified([other])
    with pytest.raises(ProofInvalid, match="only a key without an id"):
        Envelope(b"", "a/b", (Signature("", b""),)).verified([key])
    with pytest.raises(ProofInvalid, match="nobody has signed it"):
        Envelope(PAYLOAD, "a/b").verified([key])


def test_a_witness_neither_signs_nor_vouches() -> None:
    with pytest.raises(InvalidInputError, match="is a witness's key"):
        Envelope(b"", "a/b").signed(WITNESS)
    with pytest.raises(InvalidInputError, match="is a witness's key"):
        SIGNED.verified([WITNESS.verifier()])


def test_the_public_key_in_pem() -> None:
    found = load_pem_public_key(pem(KEY.verifier()).encode())
    assert isinstance(found, Ed25519PublicKey)
    assert found.public_bytes_raw() == KEY.verifier().public
