"""The name of an object: the SHA-256 of its bytes."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from aivcs.errors import InvalidDigest

HEX_LENGTH: Final = 64
SHORT_LENGTH: Final = 12
_FORM: Final = re.compile(r"(?:sha256:)?([0-9a-fA-F]{64})", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """SHA-256 of raw bytes, without any header (as OCI and ``sha256sum`` have it).

    ``raw`` is the 32-byte form; ``str(digest)`` is 64 lower-case hex characters.
    """

    raw: bytes

    def __post_init__(self) -> None:
        """Refuse anything but 32 bytes, with InvalidDigest."""
        if type(self.raw) is not bytes or len(self.raw) != HEX_LENGTH // 2:
            msg = "a digest is exactly 32 bytes"
            raise InvalidDigest(msg, hint="use Digest.of(data) or Digest.parse(text)")

    @classmethod
    def of(cls, data: bytes | bytearray | memoryview) -> Digest:
        """Return the digest of ``data``."""
        return cls(hashlib.sha256(data).digest())

    @classmethod
    def parse(cls, text: object) -> Digest:
        """Read exactly 64 hex characters, any case, with an optional ``sha256:`` prefix.

        A Digest is returned as it is. Raises InvalidDigest for everything else; nothing is
        trimmed or completed.
        """
        if isinstance(text, Digest):
            return text
        if type(text) is str and len(text) == HEX_LENGTH:
            try:
                raw = bytes.fromhex(text)
            except ValueError:
                raw = b""
            # Spaces are passed over, and leave fewer bytes.
            if len(raw) == HEX_LENGTH // 2:
                return cls(raw)
        found = _FORM.fullmatch(text) if isinstance(text, str) else None
        if found is None:
            msg = f"not a SHA-256 digest: {text!r}"
            raise InvalidDigest(
                msg, hint="a digest is 64 hexadecimal characters, with or without 'sha256:'"
            )
        return cls(bytes.fromhex(found[1]))

    def __hash__(self) -> int:
        """Return the hash of the bytes."""
        return hash(self.raw)

    def short(self) -> str:
        """Return the first 12 hex characters."""
        return self.raw.hex()[:SHORT_LENGTH]

    def __str__(self) -> str:
        """Return 64 lower-case hex characters."""
        return self.raw.hex()

    def __repr__(self) -> str:
        """Return the form a debugger likes."""
        return f"Digest({self.raw.hex()!r})"
