"""What a collection did, or would do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from aivcs.domain.report import Report


class Removal(StrEnum):
    """Why something goes."""

    UNNEEDED = "not needed"
    DEAD = "dead in its pack"
    PACK = "pack with dead bytes"
    STRAY = "file that belongs to no object"
    UNFINISHED = "file that a dead process left unfinished"


@dataclass(frozen=True, slots=True)
class Removed:
    """One thing that goes: an object's digest or a file's name, its bytes, and why."""

    id: str
    bytes: int
    why: Removal


@dataclass(frozen=True, slots=True)
class Held:
    """Objects that nothing names, kept for live processes: how many, their bytes, by whom."""

    objects: int = 0
    bytes: int = 0
    by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Collected(Report):
    """A collection: what went, and what stayed though nothing names it.

    ``objects`` and their ``bytes`` as stored (of a sealed object: unpacked) are gone, or
    would be after a ``dry_run``. ``packs_rewritten`` counts packs whose dead bytes were
    left behind, ``packs_dropped`` those that held nothing else, ``files`` stray and
    unfinished ones. ``freed_on_disk`` is by how many bytes files became smaller, 0 after a
    ``dry_run``. ``expired`` are the runs that retention let go. ``removed`` names each
    thing, after a ``dry_run`` only.
    """

    dry_run: bool = False
    full: bool = False
    objects: int = 0
    bytes: int = 0
    packs_rewritten: int = 0
    packs_dropped: int = 0
    files: int = 0
    freed_on_disk: int = 0
    held: Held = Held()
    expired: tuple[str, ...] = ()
    removed: tuple[Removed, ...] = ()
