"""What one user action writes: a batch that lands whole or not at all.

A batch is data. Services build it, a ledger applies it in one transaction in the order
of its fields.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from aivcs.domain.digest import Digest
    from aivcs.domain.run import RunMetadata, RunStatus, Source
    from aivcs.domain.stored import Pack, StoredObject, Tier
    from aivcs.domain.stream import Family


class Role(StrEnum):
    """Why the ledger holds an object."""

    PIN = "pin"
    ARTIFACT = "artifact"
    CHECKPOINT = "checkpoint"
    STATE = "state"


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


@dataclass(frozen=True, slots=True)
class NewSpec:
    """A spec to list, with its annotations; its objects are in the batch or stored."""

    digest: Digest
    name: str
    git_sha: str | None
    dirty: bool | None
    manifest: Digest | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run to create, RUNNING and without events."""

    run_id: str
    spec_digest: Digest
    metadata: RunMetadata
    created_at: datetime
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry to append. Exactly one of ``body`` (JSON text) and ``object`` is set.

    ``seq`` None asks for the next number.
    """

    kind: str
    body: str | None
    object: Digest | None
    timestamp: datetime
    recorded_at: datetime
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class Append:
    """Entries for one stream.

    ``expected_size`` must be the stream's size when set. A release stream begins with
    its first entry; a run's stream begins with the run.
    """

    family: Family
    name: str
    drafts: tuple[Draft, ...]
    expected_size: int | None = None


@dataclass(frozen=True, slots=True)
class EndRun:
    """A terminal move."""

    run_id: str
    status: RunStatus
    success: bool
    duration_ms: int
    final_state: Digest | None
    completed_at: datetime
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Expiry:
    """An ended run of which only the log is kept from now on."""

    run_id: str
    expired_at: datetime


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
    object is in one. ``expired``: ended runs whose artifacts, checkpoints, states and
    source are no longer kept. ``unpinned``: digests that lose their pin. ``deletions``:
    objects to forget, with their pins.
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
    appends: tuple[Append, ...] = ()
    references: tuple[Reference, ...] = ()
    ends: tuple[EndRun, ...] = ()
    expired: tuple[Expiry, ...] = ()
    unpinned: tuple[Digest, ...] = ()
    deletions: tuple[Digest, ...] = ()


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a commit did: for each append, the seq of each of its drafts, in order.

    ``known`` tells how many of the batch's objects were stored already.
    """

    seqs: tuple[tuple[int, ...], ...] = ()
    known: int = 0
