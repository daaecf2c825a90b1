"""What one user action writes: a batch that lands whole or not at all.

A batch is data. Services build it, a ledger applies it in one transaction in the order
of its fields: objects, specs, runs, appends, references, ends, deletions.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from aivcs.domain.digest import Digest
    from aivcs.domain.run import RunMetadata, RunStatus, Source


class Family(StrEnum):
    """What a stream is the log of."""

    RUN = "run"
    RELEASE = "release"


class Codec(IntEnum):
    """How a stored object's bytes are encoded; the number is what is on disk."""

    RAW = 0
    ZSTD = 1


class Role(StrEnum):
    """Why the ledger holds an object."""

    PIN = "pin"
    ARTIFACT = "artifact"
    CHECKPOINT = "checkpoint"
    STATE = "state"


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as stored: ``data`` has a small one's encoded bytes, None for a large file."""

    digest: Digest
    size: int
    codec: Codec
    data: bytes | None


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
class Reference:
    """A reason to keep an object: a pin (no run), or a run's need of it."""

    digest: Digest
    role: Role
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Everything one action writes."""

    objects: tuple[StoredObject, ...] = ()
    specs: tuple[NewSpec, ...] = ()
    runs: tuple[NewRun, ...] = ()
    appends: tuple[Append, ...] = ()
    references: tuple[Reference, ...] = ()
    ends: tuple[EndRun, ...] = ()
    deletions: tuple[Digest, ...] = ()


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a commit did: for each append, the seq of each of its drafts, in order."""

    seqs: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Stream:
    """The head of a log: how many entries it has, and whether it still takes any.

    ``status`` is a run's status; None for logs that never end.
    """

    family: Family
    name: str
    size: int
    status: RunStatus | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One stored entry; the body is here or, when long, in ``object``."""

    seq: int
    kind: str
    body: str | None
    object: Digest | None
    timestamp: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class RunQuery:
    """Which runs to list, newest first; ``after`` is the run id that ended the page before."""

    spec_digest: Digest | None = None
    agent: str | None = None
    status: RunStatus | None = None
    after: str | None = None
    limit: int | None = None
