"""What the options that every command takes say, and opening the repository they name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aivcs.ports import Clock, Ids, Salts
    from aivcs.repo import Repo


@dataclass(slots=True)
class Session:
    """One call of the program: ``json`` as asked, ``directory`` as given with ``-C``.

    ``clock``, ``ids`` and ``salts`` are the real ones unless whoever calls the program gives
    others.
    """

    json: bool = False
    directory: str | None = None
    clock: Clock | None = None
    ids: Ids | None = None
    salts: Salts | None = None

    def open(self) -> Repo:
        """Open the repository at ``-C``, at AIVCS_DIR, or here or above.

        Raises NoRepository, RepositoryTooNew, InvalidConfig, StorageError.
        """
        import os

        from aivcs.repo import new_id, now, open_repo

        clock, ids, salts = self.clock or now, self.ids or new_id, self.salts or os.urandom
        upward = self.directory is None
        repo = open_repo(self.directory, upward=upward, clock=clock, ids=ids, salts=salts)
        repo.warn = _warn
        return repo


def _warn(text: str) -> None:
    from aivcs.cli import output

    output.note(f"warning: {text}")
