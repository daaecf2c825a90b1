"""Setting damaged bytes aside: they are copied durably, and never deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.errors import CorruptionError

if TYPE_CHECKING:
    from aivcs.ports import BlobStore, Clock

_PIECE: Final = 2**20


class Quarantine:
    """Keeps copies in ``store`` under ``<time>-<name>``; ``names`` has those of this repair.

    With ``dry_run`` nothing is kept, and ``names`` are without the time.
    """

    def __init__(self, store: BlobStore, clock: Clock, *, dry_run: bool = False) -> None:
        self._store = store
        self.dry_run = dry_run
        self._time = clock().strftime("%Y%m%dT%H%M%S%fZ")
        self.names: list[str] = []

    def keep(self, name: str, data: bytes) -> None:
        """Set bytes aside."""
        if self.dry_run:
            self._named(name)
            return
        with self._store.stage() as staged:
            staged.write(data)
            staged.publish(self._named(name))

    def keep_file(self, blobs: BlobStore, name: str) -> bool:
        """Set a copy of a file aside; False when it is gone. Raises Unreadable."""
        try:
            size = blobs.size(name)
            if self.dry_run:
                for start in range(0, size, _PIECE):
                    blobs.read(name, start, _PIECE)
                self._named(name)
                return True
            with self._store.stage() as staged:
                for start in range(0, size, _PIECE):
                    staged.write(blobs.read(name, start, _PIECE))
                staged.publish(self._named(name))
        except CorruptionError:
            return False
        return True

    def _named(self, name: str) -> str:
        file = name.rpartition("/")[2]
        kept = file if self.dry_run else f"{self._time}-{file}"
        self.names.append(kept)
        return kept
