"""The hook after a commit, run by git itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from aivcs.domain.hookscript import Hook, Installation
from aivcs.errors import NoGitRepository
from aivcs.repo.linking import hooks

if TYPE_CHECKING:
    from pathlib import Path

    from aivcs.repo import Repo
    from tests.linking.conftest import Git


@pytest.fixture
def hooked(repo: Repo, git: Git) -> Git:
    hooks().install([Hook.POST_COMMIT], repo.installation())
    return git


def test_a_commit_stores_the_spec_and_its_note(hooked: Git, repo: Repo) -> None:
    hooked("add", "--all")
    done = hooked.call("commit", "-m", "one")
    assert done.returncode == 0
    (spec,) = repo.specs.list()
    head = hooked("rev-parse", "HEAD")
    assert done.stderr == f"aivcs: spec {spec.digest.short()} of bot, at {head[:12]}\n"
    assert (spec.name, spec.git_sha, spec.dirty) == ("bot", head, False)
    assert hooked.note() == [
        json.dumps({"dirty": False, "name": "bot", "spec": str(spec.digest)}, separators=(",", ":"))
    ]
    assert hooked("status", "--porcelain") == ""


def test_what_is_left_out_of_a_commit_makes_it_dirty(hooked: Git, repo: Repo) -> None:
    hooked.commit()
    hooked.write("bot/model.json", "{}\n")
    hooked.write("bot/system.md", "Be short.\n")
    hooked("add", "bot/system.md")
    done = hooked.call("commit", "-m", "half of it")
    assert "of changed files" in done.stderr
    assert json.loads(hooked.note()[0])["dirty"] is True
    hooked.commit("the rest")
    assert json.loads(hooked.note()[0])["dirty"] is False
    assert len(repo.specs.list()) == 2


def test_a_commit_of_some_paths_and_an_amended_one(hooked: Git, repo: Repo) -> None:
    hooked.commit()
    hooked.write("bot/system.md", "Be short.\n")
    hooked("commit", "--quiet", "-m", "a path", "bot/system.md")
    assert json.loads(hooked.note()[0])["dirty"] is False
    before = hooked("rev-parse", "HEAD")
    hooked("commit", "--quiet", "--amend", "-m", "reworded")
    assert hooked("rev-parse", "HEAD") != before
    assert hooked.note() == hooked.note(before)
    assert [link.fact.dirty for link in repo.links().of().links] == [False]


def test_agents_are_where_manifests_are(hooked: Git, repo: Repo) -> None:
    hooked.write("more/second/aivcs.toml", 'name = "second"\n')
    hooked.write("more/second/system.md", "I am the second.\n")
    hooked.write("broken/aivcs.toml", "nonsense")
    hooked("add", "--all")
    done = hooked.call("commit", "-m", "three")
    assert done.returncode == 0
    assert sorted(spec.name for spec in repo.specs.list()) == ["bot", "second"]
    assert len(hooked.note()) == 2
    assert f"aivcs: warning: {hooked.place}/broken: aivcs.toml" in done.stderr


def test_agents_are_where_the_configuration_says(hooked: Git, repo: Repo) -> None:
    hooked.write("plain/system.md", "I have no manifest.\n")
    with (hooked.place / ".aivcs/config.toml").open("a") as file:
        file.write('[git]\nagents = ["plain"]\n')
    hooked.commit()
    assert [spec.name for spec in repo.specs.list()] == ["plain"]


def test_an_agent_without_a_manifest_is_at_the_root(hooked: Git, repo: Repo) -> None:
    (hooked.place / "bot/aivcs.toml").unlink()
    (hooked.place / "bot/system.md").rename(hooked.place / "system.md")
    hooked.commit()
    assert [spec.name for spec in repo.specs.list()] == ["work"]
    assert len(hooked.note()) == 1
    (hooked.place / "system.md").rename(hooked.place / "no-agent")
    hooked.commit("no agent at all")
    assert hooked.call("notes", "--ref", "aivcs", "show").returncode == 1


@pytest.mark.parametrize("python", ["/absent/python", "/bin/false"])
def test_a_commit_never_fails(hooked: Git, python: str) -> None:
    broken = Installation(python, hooked.place / ".aivcs")
    hooks().install([Hook.POST_COMMIT], broken)
    hooked("add", "--all")
    done = hooked.call("commit", "-m", "one")
    assert done.returncode == 0
    assert done.stderr.startswith("aivcs: ")
    assert "nothing was linked" in done.stderr
    assert hooked("rev-list", "--count", "HEAD") == "1"


def test_a_repository_that_is_gone_is_looked_for(hooked: Git, tmp_path: Path) -> None:
    (hooked.place / ".aivcs").rename(tmp_path / "moved")
    hooked("add", "--all")
    done = hooked.call("commit", "-m", "one")
    assert done.returncode == 0
    assert "error: no repository in" in done.stderr
    assert done.stderr.endswith("aivcs: the commit stands; nothing was linked to it\n")


def test_the_hook_before_goes_first(repo: Repo, git: Git) -> None:
    path = git.write(".git/hooks/post-commit", "#!/bin/sh\necho first >&2\nexit 7\n")
    path.chmod(0o755)
    hooks().install([Hook.POST_COMMIT], repo.installation(), force=True)
    git("add", "--all")
    done = git.call("commit", "-m", "one")
    assert done.returncode == 0
    assert done.stderr.splitlines()[0] == "first"
    assert len(git.note()) == 1


def test_modules_of_the_repository_are_not_imported(hooked: Git) -> None:
    for name in ("json.py", "click.py", "aivcs/__init__.py"):
        hooked.write(name, "raise SystemExit('mine')\n")
    hooked.commit()
    assert len(hooked.note()) == 1


def test_git_says_where_its_repository_is(
    hooked: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for files of a home folder that are kept in a repository elsewhere."""
    (hooked.place / ".git").rename(tmp_path / "apart.git")
    with pytest.raises(NoGitRepository):
        hooks()
    elsewhere = f"--git-dir={tmp_path / 'apart.git'}", f"--work-tree={hooked.place}"
    hooked(*elsewhere, "add", "bot")
    done = hooked.call(*elsewhere, "commit", "-m", "one")
    assert done.returncode == 0
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "apart.git"))
    # The commit is known, but whether the folder differs from it was not looked at.
    assert [json.loads(line)["dirty"] for line in hooked.note()] == [None]
