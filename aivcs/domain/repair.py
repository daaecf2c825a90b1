"""What a repair did, or would do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aivcs.domain.digest import Digest
    from aivcs.domain.report import Problem


@dataclass(frozen=True, slots=True)
class Unhealed:
    """Damage that is left: the object (None: the ledger itself), a sentence, what it breaks."""

    digest: Digest | None
    detail: str
    breaks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Repaired:
    """The outcome of a repair.

    ``healed`` objects can be read again. ``discarded`` ones were damaged, and nothing
    needed them. ``quarantined`` names the files with damaged bytes that were set aside.
    ``rebuilt`` counts the objects that the index of packs found again, and
    ``packs_rewritten`` the damaged packs of which what could be read was written anew.
    ``unreadable`` names files, and objects in them, that could not be read: they stay as they
    are. After a ``dry_run`` all of this is what would be; the names of files are then as they
    are now.
    """

    healed: tuple[Digest, ...] = ()
    unhealed: tuple[Unhealed, ...] = ()
    quarantined: tuple[str, ...] = ()
    discarded: tuple[Digest, ...] = ()
    rebuilt: int = 0
    dry_run: bool = False
    packs_rewritten: int = 0
    unreadable: tuple[Problem, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether no damage is left, and all could be read."""
        return not (self.unhealed or self.unreadable)
