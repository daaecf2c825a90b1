"""A checksum over a row, so that a bit that flips on the disk is seen when it is read.

It is no defence against an editor of the file, who can compute it as well.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

LENGTH: Final = 8
COLUMNS: Final = {
    "runs": "spec, agent, tenant, tags, git_sha, environment, created_at,"
    " source, source_index, source_format",
    "ends": "success, duration_ms, final_state, completed_at, reason, root",
    "expired": "stream, expired_at",
    "specs": "digest, name, git_sha, dirty, manifest, created_at",
    "surroundings": "spec, environment",
}
"""What a row's checksum covers, in order. That of an entry is the beginning of its leaf hash."""


def checksum(*cells: object) -> bytes:
    """Return the first 8 bytes of SHA-256 over the cells.

    A cell is ``n`` (NULL), ``i`` and the decimal number (INTEGER), or ``t`` (TEXT, UTF-8) or
    ``b`` (BLOB), the length in bytes, ``:`` and the bytes; each ends with ``;``.
    """
    parts: list[bytes] = []
    for cell in cells:
        if cell is None:
            parts.append(b"n;")
        elif isinstance(cell, int):
            parts.append(b"i%d;" % cell)
        elif isinstance(cell, bytes):
            parts.append(b"b%d:%b;" % (len(cell), cell))
        else:
            text = str(cell).encode()
            parts.append(b"t%d:%b;" % (len(text), text))
    return sha256(b"".join(parts)).digest()[:LENGTH]


def check(found: bytes, *cells: object) -> None:
    """Raise ValueError unless ``found`` is the checksum of the cells."""
    check_equal(found, checksum(*cells))


def check_equal(found: bytes, computed: bytes) -> None:
    """Raise ValueError unless a row has the checksum that was computed of its cells."""
    if found != computed:
        msg = "its checksum does not fit: bytes of it have changed"
        raise ValueError(msg)
