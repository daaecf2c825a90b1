"""The trials of real runs, attested, and worked out again from the file alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import aivcs
from aivcs.testing.subject import add_spec, by
from tests.attesting.conftest import AGENT, vkey

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aivcs.repo import Repo


@pytest.fixture
def files(data: Callable[[str], Path]) -> list[Path]:
    """Find recorded runs of tau-bench: some trials of each task, with a reward."""
    return sorted(data("tau-bench").rglob("*.json"))


def test_the_tests_are_the_tasks_and_their_trials(repo: Repo, files: list[Path]) -> None:
    spec = add_spec(repo)
    rewards: dict[str, list[bool]] = {}
    for path in files:
        repo.evidence.record_file(spec, path.read_bytes(), name=path.name)
        for run in json.loads(path.read_bytes()):
            rewards.setdefault(f"tau-bench/{run['task_id']}", []).append(run["reward"] == 1)
    repo.releases.promote(AGENT, spec, by(), require=["min_examples=2"])
    found = aivcs.verify_attestation(repo.attest(AGENT, kind="test-result").data(), vkey())
    said = found.predicate
    assert set(said["passedTests"]) == {task for task, won in rewards.items() if all(won)}
    assert set(said["failedTests"]) == {task for task, won in rewards.items() if not any(won)}
    assert set(said["warnedTests"]) == {
        task for task, won in rewards.items() if any(won) and not all(won)
    }
    assert said["result"] == "FAILED"
    runs = {run["name"] for run in said["configuration"][1:]}
    assert runs == {str(run.run_id) for run in repo.runs.list_runs(spec_digest=spec)}
