"""What the ledger says of one pack, all of it at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aivcs.domain.stored import Pack


@dataclass(frozen=True, slots=True)
class Listing:
    """A listed pack, its blocks, and the objects that are read from it.

    ``blocks`` are (offset, length, size) in the order of the file. ``objects`` are (digest
    in its 32-byte form, number of the block from 0, start, size) in the order of their places;
    plain tuples, because there may be a million.
    """

    pack: Pack
    blocks: Sequence[tuple[int, int, int]]
    objects: Sequence[tuple[bytes, int, int, int]]
