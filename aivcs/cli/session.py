"""What the options that every command takes say, and opening the repository they name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aivcs.ports import Clock, Ids
    from aivcs.repo import Repo


@dataclass(slots=True)
class Session:
    """One call of the program: ``json`` as asked, ``directory`` as given with ``-C``.

    ``clock`` and ``ids`` are the real ones unless whoever calls the program gives others.
    """

    json: bool = False
    directory: str | None = None
    clock: Clock | None = None
    ids: Ids | None = None

    def open(self) -> Repo:
        """Open the repository at ``-C``, at AIVCS_DIR, or here or above.

        Raises NoRepository, RepositoryTooNew, InvalidConfig, StorageError.
        """
        from aivcs.repo import new_id, now, open_repo

        clock, ids = self.clock or now, self.ids or new_id
        if self.directory is not None:
            return open_repo(self.directory, upward=False, clock=clock, ids=ids)
        return open_repo(clock=clock, ids=ids)
