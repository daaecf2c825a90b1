"""The engine's version, as a check of what is installed."""

from __future__ import annotations

from typing import Final

import apsw

from aivcs.errors import StorageError

_SAFE_ENGINE: Final = (3, 51, 3)
_SAFE_BACKPORTS: Final = {(3, 44): 6, (3, 50): 7}


def check_engine(version: str) -> None:
    """Refuse an engine with the WAL-reset bug (StorageError).

    SQLite 3.7.0 to 3.51.2 can lose committed data when two processes write and checkpoint
    at the same instant; fixed in 3.51.3 and in the backports 3.44.6 and 3.50.7.
    """
    major, minor, patch = (int(part) for part in version.split(".")[:3])
    backport = _SAFE_BACKPORTS.get((major, minor))
    if (major, minor, patch) >= _SAFE_ENGINE or (backport is not None and patch >= backport):
        return
    msg = f"SQLite {version} can lose committed data when processes write at the same instant"
    raise StorageError(msg, hint="install apsw 3.51.3 or newer")


def safe_version() -> str:
    """Return the version of the engine; StorageError for one that may lose data."""
    version = apsw.sqlite_lib_version()
    check_engine(version)
    return version
