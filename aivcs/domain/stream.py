"""Logs as they are read: a log's head, its entries, and which runs to list."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from aivcs.domain.execution import status_of
from aivcs.domain.merkle import Frontier

if TYPE_CHECKING:
    from datetime import datetime

    from aivcs.domain.digest import Digest
    from aivcs.domain.execution import ExecutionState, WaitReason
    from aivcs.domain.run import RunStatus


class Family(StrEnum):
    """What a stream is the log of."""

    RUN = "run"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class Stream:
    """The head of a log: how many entries it has, and whether it still takes any.

    ``state`` is a run's, with what it waits for; None for logs that never end. ``frontier``
    is the right edge of the tree over its entries. ``epoch`` counts how often the run's lease
    was taken; ``holder`` has it until ``deadline``.
    """

    family: Family
    name: str
    size: int
    state: ExecutionState | None = None
    wait: WaitReason | None = None
    frontier: Frontier = field(default_factory=Frontier)
    epoch: int = 0
    holder: str | None = None
    deadline: datetime | None = None
    tenant: str | None = None

    @property
    def status(self) -> RunStatus | None:
        """The projection of the state."""
        return None if self.state is None else status_of(self.state)


@dataclass(frozen=True, slots=True)
class Entry:
    """One stored entry; the body is here or, when long, in ``object``.

    An erased one has neither, and no salt, but its ``commitment``; the others have none.
    ``number`` is that of a release in the log of all, from 1; runs' events have none.
    """

    seq: int
    kind: str
    body: str | None
    object: Digest | None
    timestamp: datetime
    recorded_at: datetime
    salt: bytes | None = None
    commitment: bytes | None = None
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Released:
    """A line of the log of all releases: its number from 1, and what it is.

    That is the entry of the agent ``name``, or the text of an announcement.
    """

    number: int
    name: str | None = None
    entry: Entry | None = None
    announcement: str | None = None


@dataclass(frozen=True, slots=True)
class Sealing:
    """The closing record of a run in the log of all: its number from 1, and its hash."""

    number: int
    run_id: str
    hash: bytes


@dataclass(frozen=True, slots=True)
class RunQuery:
    """Which runs to list, newest first; ``after`` is the run id that ended the page before.

    ``offset`` passes over so many of them.
    """

    spec_digest: Digest | None = None
    agent: str | None = None
    status: RunStatus | None = None
    after: str | None = None
    limit: int | None = None
    tenant: str | None = None
    offset: int = 0
    git_sha: str | None = None
