"""What a log's tree says of an entry: never the body itself, nor its bare digest.

A body's commitment hides it behind a random salt, so that a short or guessable body cannot
be found by trying. When salt and body are erased the commitment stays, and with it every proof.
"""

from __future__ import annotations

import struct
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from aivcs.domain.merkle import leaf_hash
from aivcs.domain.moment import to_micros

if TYPE_CHECKING:
    from aivcs.domain.stream import Entry

SALT_SIZE: Final = 16
HEAD: Final = struct.Struct(">QqqH")
"""What a leaf begins with: seq, the two times, the length of the kind."""


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
    return leaf_hash(HEAD.pack(seq, timestamp_us, recorded_us, len(name)) + name + commitment)


def stored_leaf(  # noqa: PLR0913, PLR0917 - one argument a column
    seq: int,
    kind: str,
    timestamp_us: int,
    recorded_us: int,
    body: str | None,
    object_digest: bytes | None,
    salt: bytes | None,
    committed: bytes | None,
) -> bytes:
    """Return the leaf hash of an entry from what is stored of it.

    That is its body or the digest of the object that is its body, with the salt; of an erased
    one the commitment alone. ValueError for anything else, and for numbers no entry has.
    """
    if committed is None:
        if (body is None) == (object_digest is None) or salt is None:
            msg = "it has not one body with its salt"
            raise ValueError(msg)
        digest = object_digest or sha256((body or "").encode()).digest()
        committed = sha256(salt + digest).digest()
    elif not (body is None and object_digest is None and salt is None):
        msg = "it is erased, but not all of it"
        raise ValueError(msg)
    name = kind.encode()
    try:
        head = HEAD.pack(seq, timestamp_us, recorded_us, len(name))
    except struct.error as error:
        msg = f"no entry has these numbers ({error})"
        raise ValueError(msg) from error
    return sha256(b"\0" + head + name + committed).digest()


def leaf_of(entry: Entry) -> bytes:
    """Return the leaf hash of an entry; ValueError where it is neither whole nor erased."""
    times = to_micros(entry.timestamp), to_micros(entry.recorded_at)
    large = None if entry.object is None else entry.object.raw
    return stored_leaf(
        entry.seq, entry.kind, *times, entry.body, large, entry.salt, entry.commitment
    )
