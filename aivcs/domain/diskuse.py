"""How much of the disk what takes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from aivcs.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Mapping


class By(StrEnum):
    """What objects are grouped by."""

    RUN = "run"
    AGENT = "agent"
    KIND = "kind"


@dataclass(frozen=True, slots=True)
class Amount:
    """A number of objects and the bytes that they take."""

    objects: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Share:
    """What one run, agent or kind uses; ``shared`` bytes of it are used by others too."""

    name: str
    objects: int
    bytes: int
    shared: int


@dataclass(frozen=True, slots=True)
class DiskUse:
    """What a repository takes, in bytes.

    ``tiers`` has what each tier's objects take: rows, their part of a pack, files.
    ``ledger``, ``packs`` and ``large`` are whole files; ``dead`` is what of the packs belongs
    to no object. ``shares`` are by what was asked for, the largest first; an object that
    several share is in each of them, in the tiers once.
    """

    tiers: Mapping[str, Amount]
    ledger: int
    packs: int
    large: int
    dead: int
    by: By | None = None
    shares: tuple[Share, ...] = ()

    @property
    def total(self) -> Amount:
        """All objects, each once."""
        found = self.tiers.values()
        return Amount(sum(one.objects for one in found), sum(one.bytes for one in found))


def read_by(word: By | str) -> By:
    """Return what objects are to be grouped by; InvalidInputError for another word."""
    try:
        return By(word)
    except ValueError:
        msg = f"nothing to group by: {word!r}"
        raise InvalidInputError(msg, hint=f"one of {', '.join(By)}") from None
