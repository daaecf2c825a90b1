"""The names of blobs: relative, ``/``-separated, and inside the store."""

from __future__ import annotations

import re
from typing import Final

from aivcs.domain.digest import Digest
from aivcs.errors import InvalidInputError

_PACK: Final = re.compile(r"packs/([0-9a-f]{64})\.pack", re.ASCII)


def large_name(digest: Digest) -> str:
    """Return where a large object is: ``large/<first two hex characters>/<hex>.zst``."""
    text = str(digest)
    return f"large/{text[:2]}/{text}.zst"


def pack_name(digest: Digest) -> str:
    """Return where a pack is: ``packs/<hex>.pack``."""
    return f"packs/{digest}.pack"


def pack_digest(name: str) -> Digest | None:
    """Return the digest of the pack of this name; None for what is no pack."""
    found = _PACK.fullmatch(name)
    return Digest(bytes.fromhex(found[1])) if found else None


def check_blob_name(name: str) -> str:
    """Return the name of a blob.

    Raises InvalidInputError for absolute names, empty parts, ``.``, ``..``, NUL and
    backslashes, so that no name leads out of the store on any system.
    """
    parts = name.split("/")
    if "\0" in name or "\\" in name or any(part in {"", ".", ".."} for part in parts):
        msg = f"not a name of a blob: {name!r}"
        raise InvalidInputError(msg, hint="names are relative, like large/5f/5f9f.zst")
    return name


def check_range(start: int, length: int) -> None:
    """Refuse a range that begins before the blob or has a negative length.

    Raises InvalidInputError.
    """
    if start < 0 or length < 0:
        msg = f"not a range of a blob: {length} bytes from {start} on"
        raise InvalidInputError(msg, hint="start and length are zero or more")
