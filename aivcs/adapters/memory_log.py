"""A public log in memory; gone when the process ends."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class MemoryLogFolder:
    """Files in a dictionary."""

    def __init__(self) -> None:
        self._files: dict[str, bytes] = {}
        self._lock = threading.RLock()

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes, or None."""
        return self._files.get(path)

    def write(self, path: str, data: bytes, *, final: bool) -> None:
        """Replace a file."""
        del final
        self._files[path] = data

    def remove(self, path: str) -> None:
        """Remove a file, or what is below a path."""
        self._files.pop(path, None)
        for name in [name for name in self._files if name.startswith(f"{path}/")]:
            del self._files[name]

    def paths(self) -> Iterator[str]:
        """Yield paths in order."""
        yield from sorted(self._files)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the lock."""
        with self._lock:
            yield
