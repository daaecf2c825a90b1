from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.git import git_state
from aivcs.repo import init, open_repo
from tests.specs.conftest import git

if TYPE_CHECKING:
    from pathlib import Path

    from aivcs.services.specs import SpecStore


def test_a_commit_and_what_differs_from_it(project: Path) -> None:
    assert git_state(project / "agent") is None
    git(project, "add", ".")
    git(project, "commit", "-qm", "one")
    head = git(project, "rev-parse", "HEAD")
    clean = git_state(project / "agent")
    assert clean is not None
    assert (clean.sha, clean.dirty) == (head, False)
    with init(project / "agent"):
        assert git_state(project / "agent") == clean
        git(project, "add", "--force", ".")
        git(project, "commit", "-qm", "somebody keeps the repository in git")
        kept = git_state(project / "agent")
        assert kept is not None
        head = kept.sha
    with open_repo(project / "agent") as repo:
        repo.objects.put(b"more")
        clean = git_state(project / "agent")
        assert clean == kept
    (project / "other.md").write_text("outside of the agent's folder")
    assert git_state(project / "agent") == clean
    (project / "agent/system.md").write_text("changed")
    dirty = git_state(project / "agent")
    assert dirty is not None
    assert (dirty.sha, dirty.dirty) == (head, True)


def test_variables_do_not_lead_elsewhere(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(project, "add", ".")
    git(project, "commit", "-qm", "one")
    (tmp_path / "plain").mkdir()
    monkeypatch.setenv("GIT_DIR", str(project / ".git"))
    assert git_state(tmp_path / "plain") is None


def test_no_program_of_the_repository_is_run(project: Path) -> None:
    git(project, "add", ".")
    git(project, "commit", "-qm", "one")
    (project / "hook").write_text(f"#!/bin/sh\ntouch {project}/ran\n")
    (project / "hook").chmod(0o755)
    git(project, "config", "core.fsmonitor", str(project / "hook"))
    assert git_state(project / "agent") is not None
    assert not (project / "ran").exists()


@pytest.mark.parametrize("name", ["absent", "nul\0"])
def test_nothing_to_ask_about(tmp_path: Path, name: str) -> None:
    assert git_state(tmp_path / name) is None


def test_without_git_there_is_no_state(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(project))
    assert git_state(project) is None


def test_a_git_that_hangs_is_given_up(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "git").write_text("#!/bin/sh\nexec sleep 60\n")
    (project / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(project), prepend=":")
    monkeypatch.setattr("aivcs.adapters.git._TIMEOUT", 0.1)
    assert git_state(project) is None


def test_the_commit_annotates_a_spec_and_is_no_part_of_it(project: Path, specs: SpecStore) -> None:
    before = specs.add(project / "agent")
    git(project, "add", ".")
    git(project, "commit", "-qm", "one")
    after = specs.add(project / "agent")
    assert (before.git_sha, before.dirty) == (None, None)
    assert (after.git_sha, after.dirty) == (git(project, "rev-parse", "HEAD"), False)
    assert after.digest == before.digest
    assert specs.get(after.digest) == after
    assert [spec.git_sha for spec in specs.list()] == [after.git_sha]
    shutil.rmtree(project / ".git")
    again = specs.add(project / "agent", name="other")
    assert (again.name, again.git_sha, again.dirty) == ("other", after.git_sha, False)
