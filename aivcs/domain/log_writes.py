"""What a batch writes to runs and their logs, and the specs they name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from aivcs.domain.execution import ExecutionState

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from aivcs.domain.digest import Digest
    from aivcs.domain.execution import Action, WaitReason
    from aivcs.domain.run import RunMetadata, RunStatus, Source
    from aivcs.domain.stream import Family


@dataclass(frozen=True, slots=True)
class NewSpec:
    """A spec to list, with its annotations; its objects are in the batch or stored.

    ``environment`` is what was observed of the interpreter and platform that stored it.
    """

    digest: Digest
    name: str
    git_sha: str | None
    dirty: bool | None
    manifest: Digest | None
    created_at: datetime
    environment: Mapping[str, str] | None = None


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


class Draft(NamedTuple):
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
    salt: bytes
    seq: int | None = None
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
