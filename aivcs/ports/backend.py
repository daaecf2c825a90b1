"""What every adapter that stores something says of itself."""

from __future__ import annotations

from typing import Protocol


class StorageBackend(Protocol):
    """What every adapter that stores something says of itself.

    After ``shutdown`` every other operation but the questions about it raises
    RepositoryClosed.
    """

    def name(self) -> str:
        """Return what people call it: ``sqlite``, ``files``, ``s3``, ``memory``."""
        ...

    def requires_network(self) -> bool:
        """Tell whether it needs the network."""
        ...

    def supports_air_gapped(self) -> bool:
        """Tell whether it may serve a repository that must not use the network."""
        return not self.requires_network()

    def health_check(self) -> None:
        """Return when it is ready to read and to write.

        Leaves nothing behind. Raises StorageError or InvalidConfig saying what is wrong,
        CorruptionError for a structure that is damaged.
        """
        ...

    def close(self) -> None:
        """Release everything; idempotent."""
        ...

    def shutdown(self) -> None:
        """Do what ``close`` does."""
        self.close()
