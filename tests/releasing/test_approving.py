from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import aivcs
from aivcs.domain.events import RunEvent
from aivcs.domain.run import RunMetadata, RunStatus
from aivcs.services import approving
from aivcs.testing.subject import add_spec, ending

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.repo import Repo


@pytest.fixture
def repo() -> Iterator[Repo]:
    with aivcs.open("memory:") as repo:
        yield repo


def test_approvals_are_read_a_page_at_a_time(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approving, "_PAGE", 2)
    spec = add_spec(repo)
    for count in range(6):
        found = [one.actor for one in repo.approvals.of(spec)]
        assert found == [f"person {number}" for number in reversed(range(count))]
        repo.approvals.approve(spec, actor=f"person {count}")


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("approval", None),
        ("approval", "ann"),
        ("approval", {"name": None}),
        ("approval", {"actor": 5}),
        ("approval", {"actor": "ann", "name": 5}),
        ("note", {"actor": "ann", "name": None}),
    ],
)
def test_what_is_no_approval(repo: Repo, kind: str, payload: Any) -> None:
    spec = add_spec(repo)
    run_id = repo.runs.create_run(spec, RunMetadata("agent", tags={"approval": "ann"}))
    repo.runs.append_event(run_id, RunEvent(None, kind, payload))
    repo.runs.end_run(run_id, RunStatus.COMPLETED, ending())
    assert list(repo.approvals.of(spec)) == []


def test_who_approves_unless_somebody_is_named(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIVCS_ACTOR", "grace")
    spec = add_spec(repo)
    found = repo.approvals.approve(spec)
    assert (found.actor, found.name, found.comment) == ("grace", None, None)
    (run,) = repo.runs.list_runs()
    assert (run.run_id, run.spec_digest, run.status) == (found.run_id, spec, RunStatus.COMPLETED)
