"""What looks like a secret: files under telling names, and private keys."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Final

SECRET_NAMES: Final = (
    *(".env*", "*.env", "*.pem", "*.key", "id_rsa*", "id_ed25519*", "id_ecdsa*", "*.p12", "*.pfx"),
    *(".netrc", ".npmrc", ".pypirc", "credentials*.json", "*service-account*.json"),
    *(f"secrets.{kind}" for kind in ("json", "yaml", "yml", "toml", "txt")),
    *(f"*secret*.{kind}" for kind in ("json", "yaml", "yml", "toml")),
)
"""Names of files, in lower case, under which keys and passwords are kept."""

KEY_HEAD: Final = 4096
"""How many bytes at a file's beginning are searched for a private key."""

KEY_FILE: Final = 64 * 1024
"""The longest file, in bytes, that is searched for a private key."""

_PRIVATE_KEY: Final = re.compile(rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----")


def looks_secret(path: str) -> bool:
    """Tell whether a file's name is one under which keys and passwords are kept."""
    name = path.rpartition("/")[2].lower()
    return any(fnmatchcase(name, pattern) for pattern in SECRET_NAMES)


def holds_key(head: bytes) -> bool:
    """Tell whether the beginning of a file is text with a private key in it."""
    begun = head[:KEY_HEAD]
    return b"\0" not in begun and _PRIVATE_KEY.search(begun) is not None
