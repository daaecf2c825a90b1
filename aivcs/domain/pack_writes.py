"""Where sealed objects lie, as a batch writes it, and what a collection reads of each object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aivcs.domain.digest import Digest
    from aivcs.domain.stored import Pack, Tier


@dataclass(frozen=True, slots=True)
class NewPack:
    """A published pack to list: for each block its (offset, length, size), in order."""

    pack: Pack
    blocks: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Packed:
    """An object in a pack: the number of its block (from 0), where it starts, its size."""

    digest: Digest
    pack: Digest
    block: int
    start: int
    size: int


@dataclass(frozen=True, slots=True)
class Surveyed:
    """What a collection needs to know of a stored object.

    ``stored`` is the bytes that its row takes; of a sealed or large one it is the size
    unpacked. ``named``: a row of the ledger names it (run, event, spec, release, reference, pin);
    ``held``: a live process stored it and may still name it.
    """

    digest: Digest
    tier: Tier
    size: int
    stored: int
    named: bool
    held: bool
    pack: Digest | None = None
