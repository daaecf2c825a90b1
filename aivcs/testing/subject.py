"""The repository under test, and the few values that every contract needs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Protocol

import pytest

from aivcs.domain.events import RunEvent
from aivcs.domain.release import ReleaseMetadata
from aivcs.domain.run import RunMetadata, RunStatus, RunSummary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.domain.canonical import Json
    from aivcs.domain.digest import Digest
    from aivcs.domain.run import RunId, RunRecord
    from aivcs.ports import Clock
    from aivcs.repo import Repo

NOON: Final = datetime(2026, 1, 1, 12, tzinfo=UTC)
ENDED: Final = tuple(status for status in RunStatus if status.terminal)


class OpenRepo(Protocol):
    """Opens the storage under test; the first call finds it empty.

    A storage that outlives ``close()`` is opened again by every later call, and the
    contract says so with ``reopens = True``; otherwise each call gives a new one. What it
    returns is closed by the caller. ``clock`` None is the real one.
    """

    def __call__(self, *, clock: Clock | None = None) -> Repo:
        """Return a repository over the adapter under test."""
        ...


class RepoContract:
    """What the contracts over a whole repository share.

    Subclasses give the fixture ``open_repo`` (see OpenRepo) and say whether it ``reopens``.
    """

    reopens = False

    @pytest.fixture
    def repo(self, open_repo: OpenRepo) -> Iterator[Repo]:
        """Return an empty repository."""
        with open_repo() as repo:
            yield repo

    @pytest.fixture
    def spec(self, repo: Repo) -> Digest:
        """Return the digest of a spec that is stored."""
        return add_spec(repo)

    @pytest.fixture
    def run_id(self, repo: Repo, spec: Digest) -> RunId:
        """Return the id of a run that is RUNNING and has no event."""
        return repo.runs.create_run(spec, RunMetadata("agent"))


def add_spec(repo: Repo, text: str = "Be helpful.", name: str = "agent") -> Digest:
    """Store a spec of one prompt and return its digest."""
    return repo.specs.add({"name": name, "components": {"prompts": {"system.md": text}}}).digest


def note(seq: int | None = None, payload: Json = None, kind: str = "note") -> RunEvent:
    """Return an event at noon; its payload names its seq unless one is given."""
    return RunEvent(seq, kind, {"n": seq} if payload is None else payload, NOON)


def ending(
    status: RunStatus = RunStatus.COMPLETED, state: Digest | None = None, duration_ms: int = 5
) -> RunSummary:
    """Return a summary that does not contradict ``status``."""
    return RunSummary(0, state, duration_ms, success=status is RunStatus.COMPLETED)


def end(repo: Repo, run_id: str, status: RunStatus, state: Digest | None = None) -> RunRecord:
    """End a run by the operation that bears the status's name and return its record."""
    operation = {
        RunStatus.COMPLETED: repo.runs.complete_run,
        RunStatus.FAILED: repo.runs.fail_run,
        RunStatus.CANCELLED: repo.runs.cancel_run,
    }[status]
    operation(run_id, ending(status, state))
    return repo.runs.get_run(run_id)


def by(
    promoter: str = "ann", label: str | None = None, notes: str | None = None
) -> ReleaseMetadata:
    """Return what a promoter says of a release."""
    return ReleaseMetadata(label, promoter, notes)
