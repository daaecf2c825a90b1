"""Signed notes (C2SP ``signed-note``): a text, a blank line, and a line for each signature.

A signature line is an em dash, the key's name, and in base 64 the key id and the signature.
Signatures of unknown keys are kept and ignored; one of a known key must hold, or the note is
refused. Contract: https://c2sp.org/signed-note.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from aivcs.domain import base64text
from aivcs.domain.signing import ID_SIZE, KeyKind, Signer, Verifier, check_key_name
from aivcs.errors import InvalidInputError, ProofInvalid

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

__all__ = ["KeyKind", "Note", "Signature", "Signed", "Signer", "Verifier"]

MAX_SIGNATURES: Final = 100
_DASH: Final = "\N{EM DASH} "
_UNFIT: Final = re.compile(r"[\x00-\x09\x0b-\x1f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: the key's name and id, and what the key made."""

    name: str
    key_id: bytes
    data: bytes

    def line(self) -> str:
        """Return the line, with its newline."""
        return f"{_DASH}{self.name} {base64text.encode(self.key_id + self.data)}\n"

    @classmethod
    def parse(cls, line: str) -> Signature:
        """Read a line without its newline; ProofInvalid for what is no signature line."""
        name, _, text = line.removeprefix(_DASH).partition(" ")
        raw = b""
        with suppress(ValueError):
            check_key_name(name)
            raw = base64text.decode(text)
        if not line.startswith(_DASH) or len(raw) <= ID_SIZE:
            msg = f"{line!r:.120} is no signature line"
            raise malformed(msg)
        return cls(name, raw[:ID_SIZE], raw[ID_SIZE:])


class Signed(NamedTuple):
    """A signature that holds: by which key, and when, if it is a witness's."""

    key: Verifier
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Note:
    """A text that ends with a newline, and its signatures."""

    text: str
    signatures: tuple[Signature, ...] = ()

    def data(self) -> bytes:
        """Return the bytes of the note; without signatures, the text alone."""
        lines = [one.line() for one in self.signatures]
        return "".join([self.text, *(["\n"] if lines else []), *lines]).encode()

    @classmethod
    def parse(cls, data: bytes) -> Note:
        """Read a note without believing it; ProofInvalid says why it is none."""
        try:
            whole = data.decode()
        except UnicodeDecodeError as error:
            msg = f"byte {error.start} is not UTF-8"
            raise malformed(msg) from error
        if found := _UNFIT.search(whole):
            msg = f"it has the control character {found[0]!r}"
            raise malformed(msg)
        text, blank, block = whole.rpartition("\n\n")
        if not blank or not block:
            msg = "it has no signatures after a blank line"
            raise malformed(msg)
        if not block.endswith("\n"):
            msg = "it does not end with a newline"
            raise malformed(msg)
        lines = block[:-1].split("\n")
        if len(lines) > MAX_SIGNATURES:
            msg = f"it has {len(lines)} signatures, over {MAX_SIGNATURES}"
            raise malformed(msg)
        return cls(f"{text}\n", tuple(Signature.parse(line) for line in lines))

    def signed(self, *signers: Signer, at: datetime | None = None) -> Note:
        """Return the note with more signatures; one by the same key is replaced.

        ``at`` is the time that a witness's key signs. Raises InvalidInputError for a text that
        cannot be a note's.
        """
        if not self.text.endswith("\n") or _UNFIT.search(self.text):
            msg = "the text of a note must end with a newline and have no control characters"
            raise InvalidInputError(msg)
        if not signers:
            return self
        message = self.text.encode()
        new = []
        for signer in signers:
            key = signer.verifier()
            new.append(Signature(key.name, key.key_id, signer.sign(message, at)))
        replaced = {(one.name, one.key_id) for one in new}
        kept = [one for one in self.signatures if (one.name, one.key_id) not in replaced]
        return replace(self, signatures=(*kept, *new))

    def verified(self, keys: Iterable[Verifier]) -> tuple[Signed, ...]:
        """Return the signatures by known keys, in the order of their lines.

        Raises ProofInvalid when one does not hold or when there is none, InvalidInputError
        for two different keys of the same name and id.
        """
        known: dict[tuple[str, bytes], Verifier] = {}
        for key in keys:
            if known.setdefault((key.name, key.key_id), key) != key:
                msg = f"two different keys are called {key.name}+{key.key_id.hex()}"
                raise InvalidInputError(msg, hint="trust one of them")
        message = self.text.encode()
        good: list[Signed] = []
        for one in self.signatures:
            by = known.get((one.name, one.key_id))
            if by is None:
                continue
            if not by.verify(message, one.data):
                msg = f"the signature by {one.name}+{one.key_id.hex()} does not hold"
                raise ProofInvalid(msg, hint="the text or the signature was changed")
            good.append(Signed(by, by.signed_at(one.data)))
        if not good:
            found = ", ".join(f"{one.name}+{one.key_id.hex()}" for one in self.signatures)
            msg = f"no known key has signed it, only {found}" if found else "nobody has signed it"
            hint = (
                "give the verifier key of the log"
                if found
                else "it shows integrity only; ask for one that was made with a key"
            )
            raise ProofInvalid(msg, hint=hint)
        return tuple(good)


def malformed(what: str) -> ProofInvalid:
    """Return the error for bytes that are no signed note."""
    return ProofInvalid(f"not a signed note: {what}", hint="it was cut off or changed")
