"""A stored object, and where its bytes lie.

Named tuples: reading makes very many of them, and loads no module for dataclasses.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from aivcs.domain.digest import Digest


HOT_LIMIT: Final = 128 * 2**10
"""The most bytes that an object has which is a row of the ledger, unless a ledger takes less."""


class Codec(IntEnum):
    """How a stored object's bytes are encoded; the number is what is on disk."""

    RAW = 0
    ZSTD = 1


class Tier(StrEnum):
    """Where an object's bytes are: a row of the ledger, a pack, or a file of its own."""

    HOT = "hot"
    SEALED = "sealed"
    LARGE = "large"


class Pack(NamedTuple):
    """A pack as the ledger lists it.

    ``digest`` is of its bytes and names its file, ``size`` is their number. A pack without
    a dictionary has ``dictionary_length`` 0; else the dictionary's zstd frame is there.
    """

    digest: Digest
    size: int
    objects: int
    dictionary_offset: int = 0
    dictionary_length: int = 0


class Block(NamedTuple):
    """A zstd frame in a pack: ``length`` bytes from ``offset`` on, ``size`` when unpacked."""

    pack: Pack
    offset: int
    length: int
    size: int


class Place(NamedTuple):
    """Where a sealed object begins: ``start`` bytes into the content of a block."""

    block: Block
    start: int


class StoredObject(NamedTuple):
    """An object as stored.

    ``data`` has the encoded bytes of a hot one, ``place`` says where a sealed one is; a
    large one has neither, its file bears its digest. A sealed one's codec is ZSTD.
    """

    digest: Digest
    size: int
    codec: Codec
    data: bytes | None
    place: Place | None = None

    @property
    def tier(self) -> Tier:
        """Where the bytes are."""
        if self.data is not None:
            return Tier.HOT
        return Tier.LARGE if self.place is None else Tier.SEALED
