"""The keys that sign notes, and their texts, as Go's note package and C2SP write them.

A verifier key is ``<name>+<key id>+<base 64 of the type and the public key>``, a signing key
``PRIVATE+KEY+<name>+<key id>+<base 64 of the type and the seed>``. The key id is the first
four bytes of the SHA-256 of name, newline, type and public key, in hex.
Contracts: https://c2sp.org/signed-note and https://c2sp.org/tlog-cosignature.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from hashlib import sha256
from typing import Final

from aivcs.domain import base64text
from aivcs.errors import InvalidInputError

KEY_SIZE: Final = 32
ID_SIZE: Final = 4
_PRIVATE: Final = "PRIVATE+KEY+"
_PARTS: Final = 3
_TIME: Final = 8
_LATEST: Final = 253_402_300_799
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_PRIME: Final = 2**255 - 19
_SMALL_ORDER: Final = frozenset(
    (
        0,
        1,
        _PRIME - 1,
        0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
        0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
    )
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class KeyKind(IntEnum):
    """What a key signs: the text of a note, or as a witness the text and the time."""

    ED25519 = 0x01
    COSIGNATURE = 0x04


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key with its name. InvalidInputError for a bad name or a key of a wrong size."""

    name: str
    public: bytes
    kind: KeyKind = KeyKind.ED25519

    def __post_init__(self) -> None:
        """Refuse what is no key."""
        check_key_name(self.name)
        _check_size(self.public)
        y = int.from_bytes(self.public, "little") & (1 << 255) - 1
        # A signature under one of these points can be made by anybody.
        if y >= _PRIME or y in _SMALL_ORDER:
            msg = f"the key of {self.name} is weak: it accepts signatures that nobody made"
            raise InvalidInputError(msg, hint="create a key with 'aivcs key create'")

    @property
    def key_id(self) -> bytes:
        """Return the four bytes that with the name tell the key."""
        packed = bytes([self.kind]) + self.public
        return sha256(self.name.encode() + b"\n" + packed).digest()[:ID_SIZE]

    def text(self) -> str:
        """Return the verifier key."""
        packed = base64text.encode(bytes([self.kind]) + self.public)
        return f"{self.name}+{self.key_id.hex()}+{packed}"

    @classmethod
    def parse(cls, text: str) -> Verifier:
        """Read a verifier key; InvalidInputError says what is wrong with it."""
        name, key_id, kind, public = _parts("verifier key", text)
        key = cls(name, public, kind)
        _check_id("verifier key", key, key_id)
        return key

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Tell whether this key made the signature over the text of a note."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        if self.kind is KeyKind.COSIGNATURE:
            seconds, signature = int.from_bytes(signature[:_TIME], "big"), signature[_TIME:]
            # No witness lives after the year 9999, and no datetime does.
            if seconds > _LATEST:
                return False
            message = _cosigned(seconds, message)
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True

    def signed_at(self, signature: bytes) -> datetime | None:
        """Return when a witness says that it made a signature that ``verify`` accepts."""
        if self.kind is not KeyKind.COSIGNATURE:
            return None
        return _EPOCH + timedelta(seconds=int.from_bytes(signature[:_TIME], "big"))


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key with its name: the 32 random bytes that an Ed25519 key is made of."""

    name: str
    seed: bytes = field(repr=False)
    kind: KeyKind = KeyKind.ED25519

    def __post_init__(self) -> None:
        """Refuse what is no key."""
        check_key_name(self.name)
        _check_size(self.seed)

    def verifier(self) -> Verifier:
        """Return the public key."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        public = Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()
        return Verifier(self.name, public, self.kind)

    def text(self) -> str:
        """Return the signing key, which must stay secret."""
        packed = base64text.encode(bytes([self.kind]) + self.seed)
        return f"{_PRIVATE}{self.name}+{self.verifier().key_id.hex()}+{packed}"

    @classmethod
    def parse(cls, text: str) -> Signer:
        """Read a signing key; InvalidInputError says what is wrong, without the key."""
        if not text.startswith(_PRIVATE):
            msg = f"not a signing key: it does not begin with {_PRIVATE}"
            raise InvalidInputError(msg, hint="give the file that 'aivcs key create' wrote")
        name, key_id, kind, seed = _parts("signing key", text.removeprefix(_PRIVATE))
        key = cls(name, seed, kind)
        _check_id("signing key", key.verifier(), key_id)
        return key

    def sign(self, message: bytes, at: datetime | None = None) -> bytes:
        """Return the signature over the text of a note; a witness's key needs the time."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        key = Ed25519PrivateKey.from_private_bytes(self.seed)
        if self.kind is KeyKind.ED25519:
            return key.sign(message)
        seconds = -1 if at is None else (at - _EPOCH) // timedelta(seconds=1)
        if seconds < 0:
            msg = f"the key {self.name} signs as a witness, and there is no time from 1970 on"
            raise InvalidInputError(msg, hint="say at which time it signs")
        return seconds.to_bytes(_TIME, "big") + key.sign(_cosigned(seconds, message))


def check_key_name(name: str) -> str:
    """Return ``name`` if it may name a key, else InvalidInputError.

    It is not empty and has neither white space nor ``+`` nor control characters.
    """
    unfit = any(char <= " " or char == "+" or char.isspace() for char in name)
    if name and not unfit and not _SURROGATE.search(name):
        return name
    msg = f"not the name of a key: {name!r:.200}"
    raise InvalidInputError(
        msg, hint="give one without white space and '+', best like a URL: example.com/agents"
    )


def _parts(what: str, text: str) -> tuple[str, bytes, KeyKind, bytes]:
    """Return name, key id, kind and key of a key's text."""
    parts = text.split("+", _PARTS - 1)
    try:
        name, key_id, packed = parts[0], bytes.fromhex(parts[1]), base64text.decode(parts[2])
        sound = key_id.hex() == parts[1] and len(key_id) == ID_SIZE
    except (ValueError, IndexError):
        sound = False
        name, key_id, packed = "", b"", b""
    if not sound or len(packed) != 1 + KEY_SIZE:
        msg = f"not a {what}: it must be a name, eight digits of hex and a key in base 64"
        raise InvalidInputError(msg, hint="the three parts are joined by '+'")
    kind = packed[0]
    if kind not in tuple(KeyKind):
        msg = f"the {what} of {name} is of the unknown type {kind:#04x}"
        raise InvalidInputError(msg, hint="known are 0x01 (Ed25519) and 0x04 (witness)")
    return name, key_id, KeyKind(kind), packed[1:]


def _check_id(what: str, key: Verifier, key_id: bytes) -> None:
    if key.key_id != key_id:
        msg = f"the {what} of {key.name} has the key id {key_id.hex()}, not {key.key_id.hex()}"
        raise InvalidInputError(msg, hint="it was copied wrongly, or the name was changed")


def _check_size(key: bytes) -> None:
    if len(key) != KEY_SIZE:
        msg = f"a key of Ed25519 has {KEY_SIZE} bytes, not {len(key)}"
        raise InvalidInputError(msg)


def _cosigned(seconds: int, message: bytes) -> bytes:
    return b"cosignature/v1\ntime %d\n" % seconds + message
