"""What one user action writes: a batch that lands whole or not at all.

A batch is data. Services build it, a ledger applies it in one transaction in the order
of its fields.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from aivcs.domain.execution import ExecutionState

if TYPE_CHECKING:
    from datetime import datetime

    from aivcs.domain.digest import Digest
    from aivcs.domain.execution import Action, WaitReason
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
    """A run to create, without events.

    ``spec_digest`` may be None only with a ``tenant``: an execution that names no spec.
    ``state`` is Created or Running.
    """

    run_id: str
    spec_digest: Digest | None
    metadata: RunMetadata
    created_at: datetime
    source: Source | None = None
    tenant: str | None = None
    state: ExecutionState = ExecutionState.RUNNING


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry to append. Exactly one of ``body`` (JSON text) and ``object`` is set.

    ``seq`` None asks for the next number. ``salt`` is 16 random bytes: without it nobody can
    guess the body from its commitment. ``action`` moves the run's state (``wait`` says what
    for); a terminal move is an EndRun beside the append, never an action here.
    """

    kind: str
    body: str | None
    object: Digest | None
    timestamp: datetime
    recorded_at: datetime
    seq: int | None = None
    salt: bytes = field(kw_only=True)
    action: Action | None = None
    wait: WaitReason | None = None


@dataclass(frozen=True, slots=True)
class Append:
    """Entries for one stream.

    ``expected_size`` must be the stream's size when set. A release stream begins with
    its first entry; a run's stream begins with the run. ``tenant`` must be the run's when
    set. ``key`` makes the append happen once: repeated with the same kinds and bodies it
    answers with the seqs of the first time (its drafts leave ``seq`` out). ``epoch`` is that
    of the run's lease.
    """

    family: Family
    name: str
    drafts: tuple[Draft, ...]
    expected_size: int | None = None
    tenant: str | None = None
    key: str | None = None
    epoch: int | None = None


@dataclass(frozen=True, slots=True)
class EndRun:
    """A terminal move; it lets go of the run's lease, whose epoch is ``epoch``.

    Beside an append that its key shows to be a repetition, it is one too if the run ended
    with the same status.
    """

    run_id: str
    status: RunStatus
    success: bool
    duration_ms: int
    final_state: Digest | None
    completed_at: datetime
    reason: str | None = None
    epoch: int | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """A move of a run's lease, at the moment ``now``.

    ``epoch`` None takes it until ``deadline``, which gives it the next epoch; Fenced while
    somebody else holds it and his deadline has not passed. With ``epoch`` the holder renews
    it, or lets go of it with ``deadline`` None; Fenced unless he still holds that epoch.
    """

    run_id: str
    holder: str
    deadline: datetime | None
    now: datetime
    epoch: int | None = None


@dataclass(frozen=True, slots=True)
class Erasure:
    """Bodies to erase from the log of an ended run: those of ``seqs``, or all.

    Commitments stay, so the tree still holds. An erased one stays as it is.
    """

    run_id: str
    seqs: tuple[int, ...] | None = None


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
    object is in one. ``claims``: leases of runs to take, renew or let go of, before anything
    is appended or ended. ``erasures``: bodies to erase. ``expired``: ended runs whose
    artifacts, checkpoints, states and source are no longer kept. ``unpinned``: digests that
    lose their pin. ``deletions``: objects to forget, with their pins.
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


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a commit did: for each append, the seq of each of its drafts, in order.

    ``known`` tells how many of the batch's objects were stored already, ``epochs`` the epoch
    of each claim.
    """

    seqs: tuple[tuple[int, ...], ...] = ()
    known: int = 0
    epochs: tuple[int, ...] = ()
