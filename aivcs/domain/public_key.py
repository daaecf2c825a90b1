"""A verifier key in the forms that tools ask for which know nothing of notes.

The key id is that of the in-toto specification (section 4.2.1) and of TUF: the SHA-256 of the
canonical JSON of the public key. It hangs on the key alone, not on the key's name.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

from aivcs.domain import base64text, canonical

if TYPE_CHECKING:
    from aivcs.domain.signing import Verifier

_SPKI: Final = bytes.fromhex("302a300506032b6570032100")
"""What stands before the 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo (RFC 8410)."""


def key_id(key: Verifier) -> str:
    """Return the key id, 64 hex characters."""
    kind = "ed25519"
    value = {"keytype": kind, "scheme": kind, "keyval": {"public": key.public.hex()}}
    return sha256(canonical.dumps(value)).hexdigest()


def pem(key: Verifier) -> str:
    """Return the key as a SubjectPublicKeyInfo in PEM (RFC 7468)."""
    text = base64text.encode(_SPKI + key.public)
    return f"-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n"
