"""Keys and their texts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aivcs.domain import base64text
from aivcs.domain.signing import KeyKind, Signer, Verifier, check_key_name
from aivcs.errors import InvalidInputError
from tests.tlog.logs import KEY, NOW, WITNESS

# The example in the documentation of Go's note package.
PRIVATE = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
PUBLIC = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NAMES = st.text(
    st.characters(exclude_categories=["Cs", "Zs", "Zl", "Zp", "Cc"]), min_size=1
).filter(lambda name: "+" not in name)


def test_the_example_of_the_go_package() -> None:
    signer = Signer.parse(PRIVATE)
    assert signer.text() == PRIVATE
    assert signer.verifier().text() == PUBLIC
    assert Verifier.parse(PUBLIC) == signer.verifier()


@given(NAMES, st.binary(min_size=32, max_size=32), st.sampled_from(KeyKind))
def test_a_key_is_read_as_it_was_written(name: str, seed: bytes, kind: KeyKind) -> None:
    signer = Signer(name, seed, kind)
    assert Signer.parse(signer.text()) == signer
    key = signer.verifier()
    assert Verifier.parse(key.text()) == key
    signature = signer.sign(b"text\n", NOW)
    assert key.verify(b"text\n", signature)
    assert not key.verify(b"other\n", signature)
    assert not replace(key, kind=KeyKind(5 - kind)).verify(b"text\n", signature)
    assert key.signed_at(signature) == (None if kind is KeyKind.ED25519 else NOW)


@pytest.mark.parametrize(
    "name",
    ["", " ", "a b", "a+b", "a\nb", "a\tb", "a\x00", "a\u2003b", "a\x85", "\u3000", "\ud800"],
)
def test_what_is_no_name(name: str) -> None:
    for make in (check_key_name, lambda name: Signer(name, bytes(32))):
        with pytest.raises(InvalidInputError, match="not the name of a key"):
            make(name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a verifier key"),
        ("name", "not a verifier key"),
        ("name+c74f20a3", "not a verifier key"),
        (PUBLIC[:-1], "not a verifier key"),
        (f"{PUBLIC}=", "not a verifier key"),
        (f"{PUBLIC}\n", "not a verifier key"),
        (PUBLIC.replace("c74f20a3", "c74f20A3"), "not a verifier key"),
        (PUBLIC.replace("c74f20a3", "c74f20 a3"), "not a verifier key"),
        (PUBLIC.replace("c74f20a3", "c74f20"), "not a verifier key"),
        (PUBLIC.replace("c74f20a3", "c74f20a4"), "has the key id c74f20a4, not c74f20a3"),
        (PUBLIC.replace("Peter", "Paul"), "the verifier key of PaulNeumann has the key id"),
        (PUBLIC.replace("Peter", "Peter "), "not the name of a key"),
        (PUBLIC[1:].replace("eterNeumann", ""), "not the name of a key"),
        ("n+00000000+" + base64text.encode(bytes(33)), "n is of the unknown type 0x00"),
        ("n+00000000+" + base64text.encode(b"\6" + bytes(32)), "n is of the unknown type 0x06"),
        ("n+00000000+" + base64text.encode(b"\1" + bytes(31)), "not a verifier key"),
    ],
)
def test_what_is_no_verifier_key(text: str, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        Verifier.parse(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (PUBLIC, "it does not begin with"),
        (PRIVATE.replace("c74f20a3", "c74f20a4"), "the signing key of PeterNeumann has the key id"),
        (PRIVATE[:-4], "not a signing key"),
    ],
)
def test_what_is_no_signing_key_and_stays_secret(text: str, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message) as caught:
        Signer.parse(text)
    assert "AYEKFALVFGy" not in str(caught.value)


def test_the_seed_is_not_shown() -> None:
    assert "seed" not in repr(Signer.parse(PRIVATE))


def test_a_key_has_32_bytes() -> None:
    for make in (Signer, Verifier):
        with pytest.raises(InvalidInputError, match="a key of Ed25519 has 32 bytes, not 31"):
            make("name", bytes(31))


@pytest.mark.parametrize("kind", KeyKind)
@pytest.mark.parametrize(
    "public",
    [
        "01" + "00" * 31,
        "01" + "00" * 30 + "80",
        "00" * 32,
        "00" * 31 + "80",
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "ff",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    ],
)
def test_a_key_under_which_anybody_can_sign(public: str, kind: KeyKind) -> None:
    with pytest.raises(InvalidInputError, match="the key of name is weak"):
        Verifier("name", bytes.fromhex(public), kind)


def test_a_witness_needs_the_time() -> None:
    for moment in (None, datetime(1969, 12, 31, tzinfo=UTC)):
        with pytest.raises(InvalidInputError, match=r"witness.example/w1 signs as a witness"):
            WITNESS.sign(b"text\n", moment)


def test_signatures_that_are_none() -> None:
    for signer in (KEY, WITNESS):
        key, signature = signer.verifier(), signer.sign(b"text\n", NOW)
        for wrong in (b"", signature[:-1], signature + b"\0", bytes(len(signature))):
            assert not key.verify(b"text\n", wrong)
    # The last second of the year 9999 is the last that can be told.
    last = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    latest = WITNESS.sign(b"text\n", last)
    assert WITNESS.verifier().verify(b"text\n", latest)
    assert WITNESS.verifier().signed_at(latest) == last
    assert not WITNESS.verifier().verify(b"text\n", b"\xff" * 8 + latest[8:])


@given(st.binary(max_size=100))
def test_base_64_has_one_text_for_each_value(data: bytes) -> None:
    text = base64text.encode(data)
    assert base64text.decode(text) == data


@pytest.mark.parametrize(
    "text", ["A", "AA", "AA=", "AB==", "AAB=", "AAAA\n", "AA==AA==", "é", "-_-_"]
)
def test_what_is_no_base_64(text: str) -> None:
    with pytest.raises(ValueError, match="not base 64"):
        base64text.decode(text)
