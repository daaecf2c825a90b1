"""Which files keep a commit from holding the spec of a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.git import git_state
from aivcs.domain.folder import GitState
from tests.specs.conftest import GIT, git

if TYPE_CHECKING:
    from pathlib import Path

    from aivcs.services.specs import SpecStore


@pytest.fixture
def agent(project: Path) -> Path:
    git(project, "add", ".")
    git(project, "commit", "-qm", "one")
    return project / "agent"


def test_what_is_no_part_of_the_spec_does_not_count(agent: Path, specs: SpecStore) -> None:
    (agent / "report.xml").write_text("<testsuites/>")
    (agent / "notes").mkdir()
    (agent / "notes/later.csv").write_text("later")
    state = git_state(agent)
    assert state is not None
    assert (state.changed, state.untracked) == ((), ("notes/", "report.xml"))
    assert state.dirty
    assert specs.add(agent).dirty is False
    assert specs.unheld(agent) == ()


def test_an_untracked_part_of_the_spec_counts(agent: Path, specs: SpecStore) -> None:
    (agent / "prompts").mkdir()
    (agent / "prompts/new name.md").write_text("new")
    assert specs.add(agent).dirty is True
    assert specs.unheld(agent) == ("prompts/new name.md",)


def test_whatever_git_is_told_not_to_show(agent: Path, specs: SpecStore) -> None:
    git(agent, "config", "status.showUntrackedFiles", "no")
    (agent / "tools.json").write_text("[]")
    assert specs.unheld(agent) == ("tools.json",)


def test_a_part_that_git_ignores_counts(agent: Path, specs: SpecStore) -> None:
    (agent.parent / ".git/info/exclude").write_text("local*\n")
    (agent / "local.md").write_text("mine")
    (agent / "local").mkdir()
    (agent / "local/table.csv").write_text("no part of the spec")
    state = git_state(agent)
    assert state == GitState(git(agent, "rev-parse", "HEAD"), ignored=("local.md", "local/"))
    assert not state.dirty
    assert specs.unheld(agent) == ("local.md",)
    assert specs.add(agent).dirty is True
    (agent / "local.md").unlink()
    assert specs.add(agent).dirty is False


def test_an_untracked_manifest_and_rules_count(agent: Path, specs: SpecStore) -> None:
    (agent / "aivcs.toml").write_text('[components]\nprompts = ["*.md"]\n')
    (agent / ".gitignore").write_text("*.log\n")
    assert specs.unheld(agent) == (".gitignore", "aivcs.toml")


def test_tracked_files_count_each(agent: Path, specs: SpecStore) -> None:
    (agent / "a.md").write_text("a long enough text to be known again\n" * 9)
    (agent / "gone.md").write_text("gone")
    git(agent, "add", ".")
    git(agent, "commit", "-qm", "two")
    git(agent, "mv", "a.md", "b.md")
    (agent / "gone.md").unlink()
    assert sorted(specs.unheld(agent)) == ["b.md", "gone.md"]
    assert specs.add(agent).dirty is True


def test_a_merge_that_is_not_done_counts(agent: Path, specs: SpecStore) -> None:
    git(agent, "checkout", "-qb", "other")
    for branch, text in (("other", "here"), ("main", "there")):
        git(agent, "checkout", "-q", branch)
        (agent / "system.md").write_text(text)
        git(agent, "commit", "-qam", text)
    with pytest.raises(Exception, match="merge"):
        git(agent, "merge", "other")
    assert specs.unheld(agent) == ("system.md",)


def test_a_folder_without_git(tmp_path: Path, specs: SpecStore) -> None:
    (tmp_path / "system.md").write_text("hello")
    assert specs.unheld(tmp_path) == ()


def test_a_git_that_dies_between_two_questions(
    agent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (agent / "new.md").write_text("new")
    real = git_state(agent)
    assert real is not None
    script = f'#!/bin/sh\ncase "$*" in *rev-parse*) exit 1 ;; esac\nexec {GIT} "$@"\n'
    (agent / "git").write_text(script)
    (agent / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(agent), prepend=":")
    assert git_state(agent) is None
