"""The names of blobs: relative, ``/``-separated, and inside the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aivcs.errors import InvalidInputError

if TYPE_CHECKING:
    from aivcs.domain.digest import Digest


def large_name(digest: Digest) -> str:
    """Return where a large object is: ``large/<first two hex characters>/<hex>.zst``."""
    text = str(digest)
    return f"large/{text[:2]}/{text}.zst"


def pack_name(digest: Digest) -> str:
    """Return where a pack is: ``packs/<hex>.pack``."""
    return f"packs/{digest}.pack"


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
