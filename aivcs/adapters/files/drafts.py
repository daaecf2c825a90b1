"""What a process leaves that was killed while it wrote: files that nobody has locked any more."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from aivcs.adapters.files.descriptors import open_regular
from aivcs.adapters.files.durable import lock
from aivcs.adapters.files.failures import NO_FILE, translated
from aivcs.errors import CorruptionError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_DRAFT: Final = r"\..+\.[0-9]+\.[0-9a-f]{16}"


@contextmanager
def stale(path: Path) -> Iterator[int | None]:
    """Hold the lock of a file; yield its size, or None where its writer lives or it is no file."""
    try:
        descriptor = open_regular(str(path), os.O_RDONLY | os.O_CLOEXEC)
    except CorruptionError:
        yield None
        return
    except OSError as error:
        if error.errno not in NO_FILE | {errno.ENOENT}:
            raise
        yield None
        return
    try:
        yield os.fstat(descriptor).st_size if lock(descriptor) else None
    finally:
        os.close(descriptor)


def sweep_drafts(folder: Path) -> int:
    """Remove what ``write_atomically`` left in ``folder`` when it was killed; return how many.

    Raises StorageError.
    """
    import re

    removed = 0
    with translated(folder):
        for path in sorted(folder.iterdir()):
            if re.fullmatch(_DRAFT, path.name):
                with stale(path) as size:
                    if size is not None:
                        path.unlink(missing_ok=True)
                        removed += 1
    return removed
