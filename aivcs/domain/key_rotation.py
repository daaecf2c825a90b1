"""A new key of a log, announced by an entry of the log that the old key has signed.

The entry is canonical JSON, ``{"note":...,"type":"key","v":1}``. The note is a signed note
(C2SP ``signed-note``): its text is ``key rotation v1``, the log's origin, the old and the new
verifier key, a line each; its signatures are one by the old key, which vouches for the new
one, and one by the new key, which shows that its owner has it. No such text is a checkpoint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from aivcs.domain import canonical
from aivcs.domain.note import Note, Verifier
from aivcs.errors import InvalidInputError, ProofInvalid

if TYPE_CHECKING:
    from aivcs.domain.note import Signer

VERSION: Final = 1
TYPE: Final = "key"
_TITLE: Final = "key rotation v1"


class Announced(NamedTuple):
    """That the log ``origin`` goes over from one key to another, as both have signed."""

    origin: str
    old: Verifier
    new: Verifier


def announcement(origin: str, old: Signer, new: Signer) -> bytes:
    """Return the entry by which the log ``origin`` goes over to the key ``new``."""
    before, after = old.verifier(), new.verifier()
    if before == after:
        msg = f"the key {after.text()} signs the log {origin} already"
        raise InvalidInputError(msg, hint="create another key first")
    text = _text(origin, before, after)
    note = Note(text).signed(old, new).data().decode()
    return _entry(note)


def is_announcement(entry: bytes) -> bool:
    """Tell whether an entry says of itself that it announces a key; it may still be forged."""
    return _note(entry) is not None


def read_announcement(entry: bytes) -> Announced:
    """Return what an entry announces, whichever log it is of.

    Both keys have signed it then; whether the old one was the log's is for its reader to know.
    Raises ProofInvalid for any other entry.
    """
    lines = Note.parse(_note(entry) or b"").text.split("\n")
    try:
        origin, old = lines[1], Verifier.parse(lines[2])
    except (IndexError, InvalidInputError) as error:
        msg = "the announcement of a key names no old key"
        raise ProofInvalid(msg, hint="the entry was changed") from error
    new = announced(entry, origin, old)
    if {old.name, new.name} != {origin}:
        msg = f"the announcement is of the log {origin}, and the keys are of {old.name}, {new.name}"
        raise ProofInvalid(msg, hint="the entry was changed")
    return Announced(origin, old, new)


def announced(entry: bytes, origin: str, trusted: Verifier) -> Verifier:
    """Return the key that an entry of the log ``origin`` announces.

    Raises ProofInvalid unless ``trusted`` and the new key have signed just that.
    """
    said = _note(entry)
    if said is None:
        msg = "the entry announces no key"
        raise ProofInvalid(msg, hint="'type' must be 'key', and 'note' a signed note")
    note = Note.parse(said)
    lines = note.text.split("\n")
    try:
        new = Verifier.parse(lines[3])
    except (IndexError, InvalidInputError) as error:
        msg = "the announcement of a key names no new key"
        raise ProofInvalid(msg, hint="the entry was changed") from error
    if note.text != _text(origin, trusted, new):
        msg = f"the announcement is not of the log {origin} from the key {trusted.text()}"
        raise ProofInvalid(msg, hint="give the key that signed the log before")
    by = {one.key for one in note.verified([trusted, new])}
    if by != {trusted, new}:
        msg = f"the announcement of {new.text()} is not signed by both keys"
        raise ProofInvalid(msg, hint="the entry was changed")
    return new


def _text(origin: str, old: Verifier, new: Verifier) -> str:
    return f"{_TITLE}\n{origin}\n{old.text()}\n{new.text()}\n"


def _entry(note: str) -> bytes:
    return canonical.dumps({"v": VERSION, "type": TYPE, "note": note})


def _note(entry: bytes) -> bytes | None:
    """Return the note of an entry that is as ``announcement`` writes it."""
    try:
        value = canonical.loads(entry)
        note = value.get("note") if isinstance(value, dict) else None
        if isinstance(note, str) and _entry(note) == entry:
            return note.encode()
    except InvalidInputError:
        pass
    return None
