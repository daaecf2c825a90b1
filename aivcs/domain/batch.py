"""What one user action writes: a batch that lands whole or not at all.

A batch is data. Services build it, a ledger applies it in one transaction in the order
of its fields.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aivcs.domain.digest import Digest
    from aivcs.domain.log_writes import (
        Append,
        Claim,
        EndRun,
        Erasure,
        Expiry,
        NewRun,
        NewSpec,
    )
    from aivcs.domain.pack_writes import NewPack, Packed
    from aivcs.domain.stored import StoredObject


class Role(StrEnum):
    """Why the ledger holds an object."""

    PIN = "pin"
    ARTIFACT = "artifact"
    CHECKPOINT = "checkpoint"
    STATE = "state"


@dataclass(frozen=True, slots=True)
class Reference:
    """A reason to keep an object: a pin (no run), or a run's need of it."""

    digest: Digest
    role: Role
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Everything one action writes.

    ``hold``: this process holds the batch's objects until it closes the ledger, whether
    they are new or not, because nothing in the batch names them. ``holds``: so it does
    with these digests, which need not be stored yet, until a batch stores them: a large
    object's file is kept by its row from then on. ``restored``: rows that replace
    whatever row their digest has. ``packs``: published packs to list, with their blocks.
    ``moves``: objects that lie in a listed pack from now on; one that is in no tier any
    more, or is large, stays as it is. ``finds``: objects of a listed pack that are stored
    nowhere else. ``dropped_packs``: packs to list no longer; ConflictError while an
    object is in one. ``claims``: leases of runs to take, renew or let go of, before anything
    is appended or ended. ``erasures``: bodies to erase. ``expired``: ended runs whose
    artifacts, checkpoints, states and source are no longer kept. ``unpinned``: digests that
    lose their pin. ``deletions``: objects to forget, with their pins. ``announcements``:
    texts for the log of all releases, behind the releases of this batch.
    """

    objects: tuple[StoredObject, ...] = ()
    hold: bool = False
    holds: tuple[Digest, ...] = ()
    restored: tuple[StoredObject, ...] = ()
    packs: tuple[NewPack, ...] = ()
    moves: tuple[Packed, ...] = ()
    finds: tuple[Packed, ...] = ()
    dropped_packs: tuple[Digest, ...] = ()
    specs: tuple[NewSpec, ...] = ()
    runs: tuple[NewRun, ...] = ()
    claims: tuple[Claim, ...] = ()
    appends: tuple[Append, ...] = ()
    references: tuple[Reference, ...] = ()
    ends: tuple[EndRun, ...] = ()
    erasures: tuple[Erasure, ...] = ()
    expired: tuple[Expiry, ...] = ()
    unpinned: tuple[Digest, ...] = ()
    deletions: tuple[Digest, ...] = ()
    announcements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a commit did: for each append, the seq of each of its drafts, in order.

    ``known`` tells how many of the batch's objects were stored already, ``epochs`` the epoch
    of each claim, ``numbers`` those of its releases, then of its announcements, in the log
    of all.
    """

    seqs: tuple[tuple[int, ...], ...] = ()
    known: int = 0
    epochs: tuple[int, ...] = ()
    numbers: tuple[int, ...] = ()
