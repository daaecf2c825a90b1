"""What a log's tree says of an entry: never the body itself, nor its bare digest.

A body's commitment hides it behind a random salt, so that a short or guessable body cannot
be found by trying. When salt and body are erased the commitment stays, and with it every proof.
"""

from __future__ import annotations

import struct
from hashlib import sha256
from typing import Final

from aivcs.domain.merkle import leaf_hash

SALT_SIZE: Final = 16
_HEAD: Final = struct.Struct(">QqqH")


def commitment(salt: bytes, body_digest: bytes) -> bytes:
    """Return ``SHA-256(salt || body_digest)``, 32 bytes.

    ``body_digest`` is the SHA-256 of the body's bytes; of a body that is an object it is
    the object's digest. ``salt`` is 16 random bytes, used once.
    """
    return sha256(salt + body_digest).digest()


def entry_leaf(
    seq: int, kind: str, timestamp_us: int, recorded_us: int, commitment: bytes
) -> bytes:
    """Return the leaf hash of an entry.

    It is taken over the seq (8 bytes), the two times (8 bytes each, microseconds since
    1970, signed), the length of the kind in UTF-8 (2 bytes), the kind, and the commitment;
    numbers are big-endian.
    """
    name = kind.encode()
    return leaf_hash(_HEAD.pack(seq, timestamp_us, recorded_us, len(name)) + name + commitment)
