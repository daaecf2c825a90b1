"""The engine's version, as a check of what is installed."""

from __future__ import annotations

import apsw

from aivcs.adapters.sqlite.connection import check_engine


def safe_version() -> str:
    """Return the version of the engine; StorageError for one that may lose data."""
    version = apsw.sqlite_lib_version()
    check_engine(version)
    return version
