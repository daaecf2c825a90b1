"""Signed notes: what is read, what is believed, what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aivcs.domain.note import MAX_SIGNATURES, KeyKind, Note, Signature, Signed, Signer, Verifier
from aivcs.errors import InvalidInputError, ProofInvalid
from tests.tlog.logs import KEY, NEW_KEY, NOW, WITNESS

# The example in the documentation of Go's note package.
TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
PETER = Verifier.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdn"
    "gotpRZb6KE6RyyBwJnAM=\n"
)
EXAMPLE = f"{TEXT}\n{LINE}".encode()
SIGNED = Note("text\n").signed(KEY)


def test_the_example_of_the_go_package() -> None:
    note = Note.parse(EXAMPLE)
    assert note.text == TEXT
    assert note.verified([PETER]) == (Signed(PETER, None),)
    assert note.data() == EXAMPLE
    again = note.signed(KEY)
    assert again.data().startswith(EXAMPLE)
    assert {one.key for one in again.verified([KEY.verifier(), PETER])} == {KEY.verifier(), PETER}


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])), st.integers(1, 4))
def test_a_note_is_read_as_it_was_written(text: str, lines: int) -> None:
    whole = f"{text}\n\n{text}\n" * lines
    note = Note(whole).signed(KEY, NEW_KEY, WITNESS, at=NOW)
    read = Note.parse(note.data())
    assert read == note
    assert read.verified([KEY.verifier()]) == (Signed(KEY.verifier(), None),)
    assert read.verified([WITNESS.verifier()]) == (Signed(WITNESS.verifier(), NOW),)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "it has no signatures after a blank line"),
        (b"text\n", "it has no signatures after a blank line"),
        (b"text\n\n", "it has no signatures after a blank line"),
        (b"\n\xff\n\n", "byte 1 is not UTF-8"),
        (EXAMPLE.replace(b"you", b"y\0u"), "it has the control character '.x00'"),
        (EXAMPLE.replace(b"\n", b"\r\n"), "it has the control character '.r'"),
        (EXAMPLE[:-1], "it does not end with a newline"),
        (EXAMPLE + b"\n", "it has no signatures after a blank line"),
        (EXAMPLE + b"more\n", "'more' is no signature line"),
        (EXAMPLE + LINE.encode() * MAX_SIGNATURES, "it has 101 signatures, over 100"),
    ],
)
def test_what_is_no_note(data: bytes, what: str) -> None:
    with pytest.raises(ProofInvalid, match=f"not a signed note: {what}") as caught:
        Note.parse(data)
    assert caught.value.hint


@pytest.mark.parametrize(
    "line",
    [
        "",
        "name AAAAAAA=",
        "- name AAAAAAA=",
        "— name",
        "— name ",
        "— name AAAAAA==",
        "— name AAAAAAA",
        "— name AAAAAAB=",
        "— name  AAAAAAA=",
        "— na+me AAAAAAA=",
        "—  AAAAAAA=",
        "— name AAAAAAA= ",
    ],
)
def test_what_is_no_signature_line(line: str) -> None:
    with pytest.raises(ProofInvalid, match="is no signature line"):
        Signature.parse(line)
    assert Signature.parse("— name AAAAAAA=") == Signature("name", bytes(4), b"\0")


def test_unknown_keys_are_ignored() -> None:
    note = SIGNED.signed(Signer("other", bytes(32)), Signer(KEY.name, bytes(32)))
    assert note.verified([KEY.verifier()]) == (Signed(KEY.verifier(), None),)
    for known in ((), (PETER,)):
        with pytest.raises(ProofInvalid, match=r"no known key has signed it, only example.com"):
            note.verified(known)
    with pytest.raises(ProofInvalid, match="nobody has signed it"):
        Note("text\n").verified([PETER])


def test_a_signature_of_a_known_key_must_hold_even_beside_a_good_one() -> None:
    both = SIGNED.signed(NEW_KEY)
    first, second = both.signatures
    forged = replace(both, signatures=(first, replace(second, data=bytes(64))))
    assert forged.verified([KEY.verifier()])
    with pytest.raises(ProofInvalid, match=r"the signature by example.com/agents.* does not hold"):
        forged.verified([KEY.verifier(), NEW_KEY.verifier()])
    changed = replace(SIGNED, text="another\n")
    with pytest.raises(ProofInvalid, match="does not hold"):
        changed.verified([KEY.verifier()])


def test_a_key_may_sign_twice() -> None:
    later = NOW.replace(year=2027)
    first, second = (Note("text\n").signed(WITNESS, at=at).signatures[0] for at in (NOW, later))
    twice = Note("text\n", (first, second))
    assert [one.at for one in twice.verified([WITNESS.verifier()])] == [NOW, later]
    again = twice.signed(WITNESS, at=NOW)
    assert again.signatures == (first,)


def test_two_keys_of_one_name_and_id_are_not_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Verifier, "key_id", b"same")
    one, other = KEY.verifier(), NEW_KEY.verifier()
    assert SIGNED.signed(KEY).verified([one, one])
    with pytest.raises(InvalidInputError, match=r"two different keys are called example.com"):
        SIGNED.verified([one, other])


@pytest.mark.parametrize("text", ["", "text", "te\rxt\n", "\ud800\n"])
def test_a_text_that_no_note_can_have(text: str) -> None:
    with pytest.raises(InvalidInputError, match="must end with a newline"):
        Note(text).signed(KEY)


def test_the_kinds_of_keys_are_those_of_the_specification() -> None:
    assert (KeyKind.ED25519, KeyKind.COSIGNATURE) == (1, 4)
