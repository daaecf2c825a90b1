"""Room on a disk that is nearly full: the log is kept short and can always be merged."""

from __future__ import annotations

import os
from array import array
from pathlib import Path
from typing import Final

import apsw

from aivcs.adapters.sqlite import index

_LITTLE: Final = 64 * 2**20
_AMPLE: Final = 8 * 2**30
"""No log is so long, so its length need not be asked for."""
_LOG: Final = 256 * 2**10
_RESERVE: Final = 2**20
"""What a commit that makes the file longer leaves free, for those that take something away."""


class Space:
    """What is free where the ledger's file at ``path`` and its ``log`` are."""

    def __init__(self, path: Path, log: str) -> None:
        self._path = path
        self._folder = str(path.parent)
        self.near = True
        """Whether one transaction might fill the disk, by what was seen last."""
        self.has_small_blocks = False
        """Whether its blocks are so small that the log's index may lack some."""
        self._log = Path(log)

    def is_little(self) -> bool:
        """Tell whether the log, merged into the file, might fill the disk."""
        free = self._free()
        self.near = free < _AMPLE
        return self.near and free < _LITTLE + self._logged()

    def cut_log(self, db: apsw.Connection) -> None:
        """Merge a log that is not small into the file, and give its space back.

        Outside of a transaction. Where it cannot be done now, the log stays as it is.
        """
        if self._logged() > _LOG:
            try:
                db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            except (apsw.FullError, apsw.BusyError):
                return

    def claim(self, db: apsw.Connection) -> None:
        """Make the file as long as the open transaction needs it, or raise apsw.FullError.

        Before the commit: a log that cannot be merged for want of space would take it for good.
        """
        pages, size = (int(db.execute(f"PRAGMA page_{what}").get) for what in ("count", "size"))
        missing = pages * size - self._path.stat().st_size
        if missing <= 0:
            return
        # Once in the file, once in the log.
        if self._free() < 2 * missing + _RESERVE:
            raise apsw.FullError
        step, hint = array("i", [size]), array("q", [pages * size])
        db.file_control("main", apsw.SQLITE_FCNTL_CHUNK_SIZE, step.buffer_info()[0])
        db.file_control("main", apsw.SQLITE_FCNTL_SIZE_HINT, hint.buffer_info()[0])

    def _free(self) -> int:
        try:
            found = os.statvfs(self._folder)
        except OSError:
            return _AMPLE  # the folder was removed, which others notice
        self.has_small_blocks = found.f_bsize < index.STEP
        return found.f_bavail * found.f_frsize

    def _logged(self) -> int:
        try:
            return self._log.stat().st_size
        except OSError:
            return 0
