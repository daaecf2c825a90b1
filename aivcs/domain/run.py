"""A run: one execution of one agent spec, and the moves its status may make."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from aivcs.domain.shown import shown
from aivcs.errors import InvalidInputError, InvalidRunState, InvalidSummary

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from aivcs.domain.canonical import Json
    from aivcs.domain.digest import Digest
    from aivcs.domain.execution import ExecutionState, WaitReason
    from aivcs.domain.log_writes import NewRun


class RunId(str):
    """The id of a run; any text of 1-256 characters, a uuid4 when aivcs makes it."""

    __slots__ = ()


class RunStatus(StrEnum):
    """Where a run stands; the value is the upper-case text on every wire."""

    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def terminal(self) -> bool:
        """Whether nothing may follow."""
        return not TRANSITIONS[self]


TRANSITIONS: Final[Mapping[RunStatus, frozenset[RunStatus]]] = MappingProxyType(
    {
        RunStatus.RUNNING: frozenset({RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED}),
        RunStatus.COMPLETED: frozenset(),
        RunStatus.FAILED: frozenset(),
        RunStatus.CANCELLED: frozenset(),
    }
)
"""Every legal move. The guard below, the database's triggers and the docs read it."""


@dataclass(frozen=True, slots=True)
class Source:
    """The file a run was recorded from: its object, its format, the run's place in it."""

    digest: Digest
    index: int
    format: str


@dataclass(frozen=True, slots=True)
class RunMetadata:
    """What is known of a run when it starts.

    ``tags`` is any JSON value, usually an object; ``environment`` is what was observed of
    the interpreter and platform.
    """

    agent_name: str
    git_sha: str | None = None
    tags: Json = field(default_factory=dict)
    environment: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class RunSummary:
    """How a run ended. ``total_events`` is recomputed by the ledger, ``duration_ms`` kept."""

    total_events: int
    final_state_digest: Digest | None
    duration_ms: int
    success: bool


@dataclass(frozen=True, slots=True)
class RunLease:
    """Who owns a run until when; the epoch tells his writes from those of earlier owners."""

    holder: str
    epoch: int
    deadline: datetime


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run as the ledger has it; ``summary`` and ``completed_at`` are None while RUNNING.

    Since ``expired_at`` its artifacts, checkpoints, states and source may be gone; its log stays.
    ``state`` is what ``status`` is the projection of, with what it waits for. ``root`` is that
    of the tree over its events, once it has ended. An execution may name no spec; it has a
    ``tenant`` then.
    """

    run_id: RunId
    spec_digest: Digest | None
    metadata: RunMetadata
    status: RunStatus
    state: ExecutionState
    summary: RunSummary | None
    created_at: datetime
    completed_at: datetime | None
    total_events: int
    reason: str | None = None
    source: Source | None = None
    expired_at: datetime | None = None
    tenant: str | None = None
    wait: WaitReason | None = None
    root: bytes | None = None
    lease: RunLease | None = None


def check_beginning(run: NewRun) -> None:
    """Raise InvalidInputError unless a run may begin as this one says."""
    if run.spec_digest is None and run.tenant is None:
        msg = f"run {run.run_id} names neither a spec nor a tenant"
        raise InvalidInputError(msg, hint="only an execution of a tenant names no spec")
    if run.tenant is not None and not run.tenant.strip():
        msg = f"not a tenant: {run.tenant!r}"
        raise InvalidInputError(msg, hint="a tenant has a name")
    if run.state.value not in {"Created", "Running"}:
        msg = f"run {run.run_id} cannot begin as {run.state.value}"
        raise InvalidInputError(msg, hint="a run begins Created or Running")


def check_move(run_id: str, current: RunStatus, target: RunStatus) -> None:
    """Raise InvalidRunState unless TRANSITIONS has the move."""
    if target not in TRANSITIONS[current]:
        raise invalid_state(run_id, current)


def invalid_state(run_id: str, current: RunStatus) -> InvalidRunState:
    """Return the error for a write to a run that is no longer RUNNING."""
    return InvalidRunState(
        f"run {run_id} is {current.value}, expected {RunStatus.RUNNING.value}",
        hint="a run that has ended never changes; record a new run",
    )


def check_summary(run_id: str, status: RunStatus, summary: RunSummary) -> None:
    """Raise InvalidSummary where the summary contradicts the move."""
    if summary.success != (status is RunStatus.COMPLETED):
        msg = (
            f"run {run_id} cannot become {status.value} with success={shown(summary.success)}:"
            " success means COMPLETED"
        )
        raise InvalidSummary(msg, hint="call the operation that says how the run ended")
    if isinstance(summary.duration_ms, bool) or not isinstance(summary.duration_ms, int):
        msg = f"duration_ms must be whole milliseconds, not {shown(summary.duration_ms)}"
        raise InvalidSummary(msg)
    if not 0 <= summary.duration_ms < 2**53:
        msg = f"duration_ms must be between 0 and 2**53, not {shown(summary.duration_ms)}"
        raise InvalidSummary(msg)
