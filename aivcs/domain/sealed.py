"""What sealing did."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sealed:
    """So many objects went into so many packs.

    ``bytes_before`` are what their rows held, ``bytes_after`` the sizes of the packs.
    ``damaged`` objects could not be read and stayed where they are. ``busy``: nothing was
    done, because somebody else was at upkeep.
    """

    objects: int = 0
    packs: int = 0
    bytes_before: int = 0
    bytes_after: int = 0
    damaged: int = 0
    busy: bool = False
