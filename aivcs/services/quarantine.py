"""Setting damaged bytes aside: they are copied durably, and never deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.errors import CorruptionError

if TYPE_CHECKING:
    from aivcs.ports import BlobStore, Clock

_PIECE: Final = 2**20


class Quarantine:
    """Keeps copies in ``store`` under ``<time>-<name>``; ``names`` has those of this repair."""

    def __init__(self, store: BlobStore, clock: Clock) -> None:
        self._store = store
        self._time = clock().strftime("%Y%m%dT%H%M%S%fZ")
        self.names: list[str] = []

    def keep(self, name: str, data: bytes) -> None:
        """Set bytes aside."""
        with self._store.stage() as staged:
            staged.write(data)
            staged.publish(self._named(name))

    def keep_file(self, blobs: BlobStore, name: str) -> bool:
        """Set a copy of a file aside; False when it is gone."""
        try:
            size = blobs.size(name)
            with self._store.stage() as staged:
                for start in range(0, size, _PIECE):
                    staged.write(blobs.read(name, start, _PIECE))
                staged.publish(self._named(name))
        except CorruptionError:
            return False
        return True

    def _named(self, name: str) -> str:
        kept = f"{self._time}-{name.rpartition('/')[2]}"
        self.names.append(kept)
        return kept
