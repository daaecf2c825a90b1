"""Logs as they are read: a log's head, its entries, and which runs to list."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from aivcs.domain.digest import Digest
    from aivcs.domain.run import RunStatus


class Family(StrEnum):
    """What a stream is the log of."""

    RUN = "run"
    RELEASE = "release"


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
