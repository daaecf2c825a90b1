"""DSSE envelopes: some bytes, what type they are of, and signatures over both.

The file is one JSON object in canonical form and a newline. Signed is ``pae`` of type and
bytes, so nothing has to be parsed before the signature is checked. A signature's ``keyid`` says
which key to try and proves nothing.
Contract: protocol.md and envelope.md of https://github.com/secure-systems-lab/dsse, v1.0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from aivcs.domain import base64text, canonical
from aivcs.domain.public_key import key_id
from aivcs.domain.signing import KeyKind
from aivcs.errors import InvalidInputError, ProofInvalid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aivcs.domain.signing import Signer, Verifier

MAX_SIGNATURES: Final = 100
_URL_SAFE: Final = str.maketrans("-_+/", "+/!!")
"""From the other alphabet to the standard one; what is of the standard one only is spoiled."""


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return the bytes that are signed."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


class Signature(NamedTuple):
    """A signature, and the id of the key that made it, as somebody says."""

    keyid: str
    sig: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """Bytes with their type and signatures."""

    payload: bytes
    payload_type: str
    signatures: tuple[Signature, ...] = ()

    def data(self) -> bytes:
        """Return the bytes of the file."""
        value = {
            "payload": base64text.encode(self.payload),
            "payloadType": self.payload_type,
            "signatures": [
                {"keyid": one.keyid, "sig": base64text.encode(one.sig)} for one in self.signatures
            ],
        }
        return canonical.dumps(value) + b"\n"

    @classmethod
    def parse(cls, data: bytes) -> Envelope:
        """Read an envelope without believing it; ProofInvalid says why it is none."""
        try:
            value: Any = canonical.loads(data)
        except InvalidInputError as error:
            raise malformed(error.message) from error
        if not isinstance(value, dict):
            msg = "it is no JSON object"
            raise malformed(msg)
        payload, kind = _bytes("payload", value), _text("payloadType", value)
        said = value.get("signatures")
        if not isinstance(said, list) or not all(isinstance(one, dict) for one in said):
            msg = "its signatures are no list of objects"
            raise malformed(msg)
        if len(said) > MAX_SIGNATURES:
            msg = f"it has {len(said)} signatures, over {MAX_SIGNATURES}"
            raise malformed(msg)
        found = tuple(
            Signature(_text("keyid", one, optional=True), _bytes("sig", one)) for one in said
        )
        return cls(payload, kind, found)

    def signed(self, *signers: Signer) -> Envelope:
        """Return it with more signatures; InvalidInputError for a witness's key."""
        message = pae(self.payload_type, self.payload)
        more = []
        for signer in signers:
            key = signer.verifier()
            _check_kind(key)
            more.append(Signature(key_id(key), signer.sign(message)))
        return replace(self, signatures=(*self.signatures, *more))

    def verified(self, keys: Iterable[Verifier]) -> tuple[Verifier, ...]:
        """Return those of the keys that have signed it, at least one.

        Signatures of other keys are passed over. Raises ProofInvalid without any that holds,
        InvalidInputError for a witness's key.
        """
        message = pae(self.payload_type, self.payload)
        known = tuple(dict.fromkeys(keys))
        for key in known:
            _check_kind(key)
        good = tuple(
            key for key in known if any(key.verify(message, one.sig) for one in self.signatures)
        )
        if not good:
            raise self._refused(known)
        return good

    def _refused(self, known: Iterable[Verifier]) -> ProofInvalid:
        named = {one.keyid for one in self.signatures}
        for key in known:
            if key_id(key) in named:
                msg = f"the signature by {key.name}+{key.key_id.hex()} does not hold"
                return ProofInvalid(msg, hint="what is signed or the signature was changed")
        by = ", ".join(one.keyid or "a key without an id" for one in self.signatures)
        msg = f"no known key has signed it, only {by:.400}" if by else "nobody has signed it"
        return ProofInvalid(msg, hint="give the verifier key of the log of releases")


def malformed(what: str) -> ProofInvalid:
    """Return the error for bytes that are no envelope."""
    return ProofInvalid(f"not a DSSE envelope: {what}", hint="it was cut off or changed")


def _text(field: str, value: dict[str, Any], *, optional: bool = False) -> str:
    found = value.get(field, "" if optional else None)
    if isinstance(found, str) and _encodable(found):
        return found
    msg = f"its {field} is no text"
    raise malformed(msg)


def _bytes(field: str, value: dict[str, Any]) -> bytes:
    """Return what a text in base 64 says; both alphabets are allowed, but not mixed."""
    text = _text(field, value)
    if "-" in text or "_" in text:
        text = text.translate(_URL_SAFE)
    try:
        return base64text.decode(text)
    except ValueError as error:
        msg = f"its {field}: {error}"
        raise malformed(msg) from error


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_kind(key: Verifier) -> None:
    if key.kind is not KeyKind.ED25519:
        msg = f"{key.name}+{key.key_id.hex()} is a witness's key, which signs checkpoints only"
        raise InvalidInputError(msg, hint="give the key that signs the log of releases")
