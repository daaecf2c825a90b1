"""Media on which the ledger must not live."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from aivcs.errors import StorageError

_NETWORK: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ncpfs", "ceph", "fuse.sshfs", "fuse.s3fs"}
)
_MOUNTS: Final = "/proc/self/mounts"


def check_medium(folder: Path, mounts: str = _MOUNTS) -> None:
    """Refuse a network file system, on which a write-ahead log is not safe (StorageError).

    ``mounts`` is a file in the form of fstab(5); where there is none, nothing is checked.
    Contract: https://sqlite.org/wal.html, "does not work over a network filesystem".
    """
    found = _file_system(str(folder.resolve()), mounts)
    if found in _NETWORK:
        msg = f"{folder} lies on a network file system ({found})"
        raise StorageError(
            msg, hint="keep the repository on a local disk; networks are not safe for its log"
        )


def _file_system(path: str, mounts: str) -> str | None:
    if not sys.platform.startswith("linux"):
        return None
    try:
        text = Path(mounts).read_text(encoding="utf-8", errors="surrogateescape")
        rows = [line.split(" ") for line in text.splitlines()]
    except OSError:
        return None
    best, kind = "", None
    for row in rows:
        point = row[1].replace("\\040", " ")
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, row[2]
    return kind
