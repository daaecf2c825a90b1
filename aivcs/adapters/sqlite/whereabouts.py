"""Whether the files that are open are still those at their paths.

Another process that finds no lock on them takes them for unused, and removes the log. Locks
vanish when this process closes any descriptor of the file, as one who copies it does; and a
folder may be removed, moved or replaced.
https://sqlite.org/howtocorrupt.html, sections 2.2 and 4.
"""

from __future__ import annotations

import os
import time
from typing import Final

from aivcs.errors import StorageError

_PAUSE_SECONDS: Final = 0.5


class Whereabouts:
    """Remembers which files the ledger at ``path`` and its ``log`` were when they were opened.

    ``frozen`` is one that nobody writes, as far as could be seen: it has no log, and its file
    stays as it is.
    """

    def __init__(self, path: str, log: str, *, frozen: bool = False) -> None:
        self._path, self._log = path, log
        self._frozen = frozen
        self._files = _file(self._path, whole=frozen), None if frozen else _file(log)
        self._next = 0.0

    def are_right(self) -> bool:
        """Tell whether the files are in their places."""
        ledger, log = self._files
        if self._frozen:
            return _file(self._path, whole=True) == ledger and not os.path.lexists(self._log)
        found = _file(self._log)
        if log is None:
            self._files = ledger, found
        return _file(self._path) == ledger and (log is None or found == log)

    def seem_right(self) -> bool:
        """Tell the same, looking at most twice a second."""
        now = time.monotonic()
        if now < self._next:
            return True
        self._next = now + _PAUSE_SECONDS
        return self.are_right()

    def lost(self, *, after: bool = False) -> StorageError:
        """Return the error for files that are gone; ``after`` a commit that went into them."""
        if self._frozen:
            msg = f"{self._path} is being written, and its folder cannot be written by this reader"
            hint = "read it when nobody writes, or with the permission to write its folder"
            return StorageError(msg, hint=hint)
        what = "what was written last may be lost: " if after else ""
        msg = f"{what}{self._path} or its log was removed, moved or replaced while it was open"
        return StorageError(msg, hint="open the repository again, and look before you repeat")


def _file(path: str, *, whole: bool = False) -> tuple[int, ...] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - it is asked for in every commit
    except OSError:
        return None
    seen = found.st_dev, found.st_ino
    return (*seen, found.st_size, found.st_mtime_ns) if whole else seen
