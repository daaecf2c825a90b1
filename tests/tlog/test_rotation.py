"""A key that follows another."""

from __future__ import annotations

import json

import pytest

from aivcs.domain import canonical
from aivcs.domain.checkpoint import Checkpoint
from aivcs.domain.key_rotation import announced, announcement, is_announcement
from aivcs.domain.note import Note, Signer
from aivcs.errors import InvalidInputError, ProofInvalid
from tests.tlog.logs import KEY, NEW_KEY, ORIGIN

ENTRY = announcement(ORIGIN, KEY, NEW_KEY)
OLD, NEW = KEY.verifier(), NEW_KEY.verifier()
TEXT = f"key rotation v1\n{ORIGIN}\n{OLD.text()}\n{NEW.text()}\n"


def _entry(note: Note) -> bytes:
    return canonical.dumps({"v": 1, "type": "key", "note": note.data().decode()})


def test_the_entry_is_canonical_json_with_a_signed_note() -> None:
    said = json.loads(ENTRY)
    assert set(said) == {"v", "type", "note"}
    assert (said["v"], said["type"]) == (1, "key")
    note = Note.parse(said["note"].encode())
    assert note.text == TEXT
    assert [one.key for one in note.verified([OLD, NEW])] == [OLD, NEW]
    assert is_announcement(ENTRY)
    assert _entry(note) == ENTRY
    assert len(ENTRY) < 1024


def test_the_new_key_is_announced_to_who_trusts_the_old_one() -> None:
    assert announced(ENTRY, ORIGIN, OLD) == NEW
    third = Signer("example.com/agents", bytes(32))
    assert announced(announcement(ORIGIN, NEW_KEY, third), ORIGIN, NEW) == third.verifier()


def test_no_announcement_is_a_checkpoint() -> None:
    with pytest.raises(ProofInvalid, match="not a checkpoint"):
        Checkpoint.parse(TEXT)


@pytest.mark.parametrize(
    "entry",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"note":1,"type":"key","v":1}',
        b'{"note":"","type":"key","v":2}',
        b'{"note":"","type":"key","v":true}',
        b'{"note":"","type":"release","v":1}',
        b'{"more":1,"note":"","type":"key","v":1}',
        b'{"note":"\\ud800","type":"key","v":1}',
        ENTRY + b" ",
        b'{"v":1,"name":"agent","seq":1}',
    ],
)
def test_what_announces_nothing(entry: bytes) -> None:
    assert not is_announcement(entry)
    with pytest.raises(ProofInvalid, match="the entry announces no key"):
        announced(entry, ORIGIN, OLD)


@pytest.mark.parametrize(
    ("note", "what"),
    [
        (Note(TEXT).signed(KEY), "is not signed by both keys"),
        (Note(TEXT).signed(NEW_KEY), "is not signed by both keys"),
        (Note(TEXT).signed(Signer("other", bytes(32))), "no known key has signed it"),
        (Note("a\nb\n").signed(KEY), "names no new key"),
        (Note("a\nb\nc\nd\n").signed(KEY), "names no new key"),
        (Note(TEXT.replace("v1", "v2")).signed(KEY, NEW_KEY), "is not of the log"),
        (Note(TEXT + "more\n").signed(KEY, NEW_KEY), "is not of the log"),
        (Note(TEXT), "not a signed note"),
    ],
)
def test_a_forged_announcement(note: Note, what: str) -> None:
    entry = _entry(note)
    assert is_announcement(entry)
    with pytest.raises(ProofInvalid, match=what):
        announced(entry, ORIGIN, OLD)


def test_an_announcement_for_others() -> None:
    with pytest.raises(ProofInvalid, match=r"is not of the log example.com/runs"):
        announced(ENTRY, "example.com/runs", OLD)
    with pytest.raises(ProofInvalid, match=r"from the key example.com/agents"):
        announced(ENTRY, ORIGIN, NEW)


def test_every_changed_byte_is_refused() -> None:
    for place in range(len(ENTRY)):
        for bit in (1, 0x20):
            changed = bytearray(ENTRY)
            changed[place] ^= bit
            with pytest.raises(ProofInvalid):
                announced(bytes(changed), ORIGIN, OLD)


def test_a_key_is_not_announced_to_follow_itself() -> None:
    with pytest.raises(InvalidInputError, match=r"signs the log .* already"):
        announcement(ORIGIN, KEY, KEY)
