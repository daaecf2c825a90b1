"""What releases, logs, policies and runs are called where a URI is asked for (RFC 3986)."""

from __future__ import annotations

import base64
import re
from string import ascii_letters, digits
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from aivcs.domain.digest import Digest

_PLAIN: Final = frozenset((ascii_letters + digits + "-._~").encode())
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PURL: Final = "pkg:generic/"


def quoted(text: str) -> str:
    """Return text in percent encoding, of which only letters, digits and ``-._~`` need none."""
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in text.encode())


def origin_uri(origin: str) -> str:
    """Return the URI of who releases: the name of its logs, with ``https`` unless it is a URI."""
    scheme, colon, rest = origin.partition("://")
    if not colon:
        scheme, rest = "https", origin
    host, *path = rest.split("/")
    return "/".join([f"{scheme.lower()}://{quoted(host.lower())}", *map(quoted, path)])


def namespace(origin: str) -> str:
    """Return what the package URLs of all agents of a repository begin with."""
    return _PURL + "/".join(quoted(part) for part in origin.split("/") if part)


def release_purl(origin: str, name: str, seq: int) -> str:
    """Return the package URL of a release.

    Its type is ``generic``, its namespace the name of the logs, so it says whose agent it is.
    The agent's name is one segment, in which ``/`` is encoded. The version is the seq, which
    no other release has. Contract: https://github.com/package-url/purl-spec.
    """
    return f"{namespace(origin)}/{quoted(name)}@{seq}"


def digest_uri(digest: Digest) -> str:
    """Return the URI of bytes by their SHA-256 (RFC 6920)."""
    text = base64.urlsafe_b64encode(digest.raw).decode("ascii").rstrip("=")
    return f"ni:///sha-256;{text}"


def run_uri(run_id: str, seal: Digest) -> str:
    """Return the URI of a run: its UUID (RFC 9562), or by its seal where it has none."""
    return f"urn:uuid:{run_id}" if _UUID.fullmatch(run_id) else digest_uri(seal)
