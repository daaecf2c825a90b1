"""Base 64 (RFC 4648, section 4) of which every value has exactly one text."""

from __future__ import annotations

import base64
import binascii


def encode(data: bytes) -> str:
    """Return the text of ``data``."""
    return base64.b64encode(data).decode("ascii")


def decode(text: str) -> bytes:
    """Return what ``encode`` gave ``text`` for; ValueError for every other text."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = None
    # Bits that the last character leaves over must be 0.
    if data is None or encode(data) != text:
        msg = "it is not base 64 as RFC 4648 writes it"
        raise ValueError(msg)
    return data
