"""The name of an object: the SHA-256 of its bytes."""

from __future__ import annotations

import hashlib
import re
from itertools import repeat
from typing import TYPE_CHECKING, Final

from aivcs.domain.shown import shown
from aivcs.errors import InvalidDigest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Self

HEX_LENGTH: Final = 64
SHORT_LENGTH: Final = 12
_LENGTH: Final = HEX_LENGTH // 2
_PREFIX: Final = "sha256:"
_FORM: Final = re.compile(r"(?:sha256:)?([0-9a-fA-F]{64})", re.ASCII)


class Digest(tuple[bytes]):
    """SHA-256 of raw bytes, without any header (as OCI and ``sha256sum`` have it).

    ``raw`` is the 32-byte form; ``str(digest)`` is 64 lower-case hex characters. A tuple of
    that one value: tables by digest and sorting need no step of Python for each.
    """

    __slots__ = ()

    def __new__(cls, raw: bytes) -> Self:
        """Refuse anything but 32 bytes, with InvalidDigest."""
        if type(raw) is not bytes or len(raw) != _LENGTH:
            msg = "a digest is exactly 32 bytes"
            raise InvalidDigest(msg, hint="use Digest.of(data) or Digest.parse(text)")
        return tuple.__new__(cls, (raw,))

    @property
    def raw(self) -> bytes:
        """Return the 32 bytes."""
        return self[0]

    @classmethod
    def of(cls, data: bytes | bytearray | memoryview) -> Digest:
        """Return the digest of ``data``."""
        return tuple.__new__(cls, (hashlib.sha256(data).digest(),))

    @classmethod
    def parse(cls, text: object) -> Digest:
        """Read exactly 64 hex characters, any case, with an optional ``sha256:`` prefix.

        A Digest is returned as it is. Raises InvalidDigest for everything else; nothing is
        trimmed or completed.
        """
        if isinstance(text, Digest):
            return text
        if type(text) is str and len(bare := text.removeprefix(_PREFIX)) == HEX_LENGTH:
            try:
                raw = bytes.fromhex(bare)
            except ValueError:
                raw = b""
            # Spaces are passed over, and leave fewer bytes.
            if len(raw) == _LENGTH:
                return cls(raw)
        found = _FORM.fullmatch(text) if isinstance(text, str) else None
        if found is None:
            msg = f"not a SHA-256 digest: {shown(text, 200)}"
            raise InvalidDigest(
                msg, hint="a digest is 64 hexadecimal characters, with or without 'sha256:'"
            )
        return cls(bytes.fromhex(found[1]))

    @classmethod
    def parse_all(cls, texts: Sequence[Digest | str]) -> list[Digest]:
        """Read many as ``parse`` reads one; the first that is none is told."""
        if set(map(type, texts)) == {str}:
            bare = [text.removeprefix(_PREFIX) for text in texts if isinstance(text, str)]
            try:
                raw = bytes.fromhex("".join(bare))
            except ValueError:
                raw = b""
            # Spaces are passed over, and leave fewer bytes.
            if set(map(len, bare)) == {HEX_LENGTH} and len(raw) == len(bare) * _LENGTH:
                return cls.of_raw(raw[at : at + _LENGTH] for at in range(0, len(raw), _LENGTH))
        return [cls.parse(text) for text in texts]

    @classmethod
    def of_raw(cls, raws: Iterable[bytes]) -> list[Digest]:
        """Return the digests of many pieces of 32 bytes; InvalidDigest as for one."""
        found = list(raws)
        if set(map(type, found)) <= {bytes} and set(map(len, found)) <= {_LENGTH}:
            return list(map(tuple.__new__, repeat(cls), zip(found)))
        return [cls(raw) for raw in found]

    def __reduce__(self) -> tuple[type[Self], tuple[bytes]]:
        """Return what makes it again in another process."""
        return type(self), (self[0],)

    def short(self) -> str:
        """Return the first 12 hex characters."""
        return self[0].hex()[:SHORT_LENGTH]

    def __str__(self) -> str:
        """Return 64 lower-case hex characters."""
        return self[0].hex()

    def __repr__(self) -> str:
        """Return the form a debugger likes."""
        return f"Digest({self[0].hex()!r})"
