"""Hooks of git: put there, found, taken away, and others' left alone."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from aivcs.domain.hookscript import Hook, Installation, is_ours, program, script
from aivcs.errors import (
    ForeignHook,
    InvalidInputError,
    InvalidName,
    NoGitRepository,
    StorageError,
)
from aivcs.repo import open_repo
from aivcs.repo.linking import hooks
from tests.linking.conftest import Git

if TYPE_CHECKING:
    from pathlib import Path

    from aivcs.repo import Repo

BOTH = list(Hook)
FOREIGN = "#!/bin/sh\necho foreign\n"


def states(place: Path | str = ".") -> list[tuple[str, bool, bool]]:
    return [(one.state, one.runs, one.before) for one in hooks(place).states()]


def test_installing_and_removing(repo: Repo, git: Git) -> None:
    assert states() == [("absent", False, False)] * 2
    done = hooks().install(BOTH, repo.installation())
    assert done == hooks().states()
    assert states() == [("ours", True, False)] * 2
    assert [one.program for one in done] == [sys.executable] * 2
    for one in done:
        path = git.place / ".git/hooks" / one.hook
        assert one.path == str(path)
        assert path.stat().st_mode & 0o700 == 0o700
    again = hooks().install([Hook.PRE_PUSH], repo.installation(name="bot/prod"))
    assert [one.hook for one in again] == [Hook.PRE_PUSH]
    assert "--name bot/prod" in (git.place / ".git/hooks/pre-push").read_text()
    assert hooks().remove(BOTH) == hooks().remove(BOTH) == hooks().states()
    assert states() == [("absent", False, False)] * 2
    assert not [path for path in (git.place / ".git/hooks").iterdir() if "sample" not in path.name]


def test_hooks_of_others_are_never_overwritten(repo: Repo, git: Git) -> None:
    path = git.write(".git/hooks/pre-push", FOREIGN)
    path.chmod(0o755)
    assert states() == [("absent", False, False), ("foreign", True, False)]
    with pytest.raises(ForeignHook, match="was made by somebody else") as error:
        hooks().install(BOTH, repo.installation())
    assert "--force" in str(error.value.hint)
    with pytest.raises(ForeignHook, match="was not made by aivcs"):
        hooks().remove(BOTH)
    # Neither of the two was touched.
    assert states() == [("absent", False, False), ("foreign", True, False)]
    hooks().install(BOTH, repo.installation(), force=True)
    assert states() == [("ours", True, False), ("ours", True, True)]
    before = git.place / ".git/hooks/pre-push.before-aivcs"
    assert before.read_text() == FOREIGN
    hooks().install(BOTH, repo.installation(), force=True)
    assert before.read_text() == FOREIGN
    hooks().remove(BOTH)
    assert path.read_text() == FOREIGN
    assert states() == [("absent", False, False), ("foreign", True, False)]
    assert not before.exists()


def test_two_foreign_hooks_are_too_many(repo: Repo, git: Git) -> None:
    git.write(".git/hooks/pre-push", FOREIGN)
    git.write(".git/hooks/pre-push.before-aivcs", FOREIGN)
    with pytest.raises(ForeignHook, match="aivcs made neither"):
        hooks().install(BOTH, repo.installation(), force=True)


@pytest.mark.parametrize("broken", ["folder", "dangling", "unreadable text", "empty"])
def test_broken_hooks_are_somebody_elses(repo: Repo, git: Git, broken: str) -> None:
    path = git.place / ".git/hooks/post-commit"
    if broken == "folder":
        path.mkdir(parents=True)
    elif broken == "dangling":
        path.symlink_to("absent")
    else:
        path.write_bytes(b"\xff\0\n" if broken == "unreadable text" else b"")
    assert states()[0] == ("foreign", False, False)
    with pytest.raises(ForeignHook):
        hooks().install([Hook.POST_COMMIT], repo.installation())
    hooks().install([Hook.POST_COMMIT], repo.installation(), force=True)
    assert states()[0] == ("ours", True, False)
    hooks().remove([Hook.POST_COMMIT])
    assert states()[0] == ("foreign", False, False)


def test_a_hook_of_ours_that_cannot_work(repo: Repo, git: Git) -> None:
    gone = Installation("/absent/it's here/python", git.place / ".aivcs")
    done = hooks().install([Hook.PRE_PUSH], gone)
    assert (done[0].state, done[0].runs) == ("ours", False)
    assert done[0].program == "/absent/it's here/python"
    hooks().install(BOTH, repo.installation())
    (git.place / ".git/hooks/pre-push").chmod(0o644)
    assert states() == [("ours", True, False), ("ours", False, False)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("#!/bin/sh\n# aivcs-hook 1 x\npython='a b'\n", "a b"),
        ("#!/bin/sh\n# aivcs-hook 1 x\npython=\n", None),
        ("#!/bin/sh\n# aivcs-hook 1 x\npython='a\n", None),
        ("#!/bin/sh\n# aivcs-hook 1 x\n", None),
    ],
)
def test_scripts_that_somebody_edited(text: str, found: str | None) -> None:
    assert is_ours(text.encode())
    assert program(text.encode()) == found


def test_a_script_names_what_it_needs(tmp_path: Path) -> None:
    place = tmp_path / "it's a $(place)"
    for hook in Hook:
        data = script(hook, Installation("/usr/bin/python3", place), refused=5)
        assert is_ours(data)
        assert program(data) == "/usr/bin/python3"
    assert not is_ours(FOREIGN.encode())
    assert not is_ours(b"#!/bin/sh\n\n\n# aivcs-hook 1\n")


@pytest.mark.parametrize("path", [".githooks", ".git/own", "{place}/absolute"])
def test_a_configured_folder_of_hooks(repo: Repo, git: Git, path: str) -> None:
    git("config", "core.hooksPath", path.format(place=git.place))
    (git.place / "bot/deeper").mkdir()
    done = hooks("bot/deeper").install(BOTH, repo.installation())
    home = git.place / path.replace("{place}/", "")
    assert [one.path for one in done] == [str(home / one) for one in Hook]
    assert not (git.place / ".git/hooks/pre-push").exists()
    git.commit()
    assert len(git.note()) == 1


@pytest.mark.parametrize("path", ["/dev/null", "{place}/../shared"])
def test_a_folder_that_others_share_is_left_alone(repo: Repo, git: Git, path: str) -> None:
    git("config", "core.hooksPath", path.format(place=git.place))
    with pytest.raises(InvalidInputError, match="hooks of other repositories too") as error:
        hooks().install(BOTH, repo.installation(), force=True)
    assert "core.hooksPath" in str(error.value.hint)
    assert states() == [("absent", False, False)] * 2


def test_a_linked_working_tree_has_the_same_hooks(repo: Repo, git: Git, tmp_path: Path) -> None:
    git.commit()
    git("worktree", "add", "--quiet", str(tmp_path / "second"))
    second = Git(tmp_path / "second")
    hooks(second.place).install(BOTH, repo.installation())
    assert states() == states(second.place) == [("ours", True, False)] * 2
    second.write("bot/system.md", "From the second tree.\n")
    commit = second.commit()
    # The hook came back to the repository that it was installed from.
    assert repo.links().of(commit).links[0].fact.dirty is False
    assert not (second.place / ".aivcs").exists()


def test_a_submodule_has_hooks_of_its_own(repo: Repo, git: Git, tmp_path: Path) -> None:
    part = Git(tmp_path / "part")
    part.place.mkdir()
    part("init", "--quiet", "--initial-branch=main")
    part.commit()
    git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(part.place), "part")
    hooks("part").install(BOTH, repo.installation())
    assert states("part") == [("ours", True, False)] * 2
    assert states() == [("absent", False, False)] * 2
    inner = Git(git.place / "part")
    inner.write("aivcs.toml", 'name = "part"\n')
    inner.write("system.md", "I am a part.\n")
    commit = inner.commit()
    assert [link.fact.name for link in repo.links("part").of(commit).links] == ["part"]


def test_where_there_is_nothing_to_hook(tmp_path: Path, git: Git, remote: Git) -> None:
    assert git.place.exists()
    with pytest.raises(NoGitRepository):
        hooks(tmp_path)
    for place in (remote.place, git.place / ".git"):
        with pytest.raises(InvalidInputError, match="no working tree"):
            hooks(place)


def test_a_folder_of_hooks_that_is_a_file(repo: Repo, git: Git) -> None:
    git("config", "core.hooksPath", "a-file")
    git.write("a-file", "")
    with pytest.raises(StorageError, match="a-file"):
        hooks().install(BOTH, repo.installation())


def test_what_cannot_be_installed(repo: Repo) -> None:
    with pytest.raises(InvalidName):
        repo.installation(name="--no-gates here")
    with open_repo("memory:") as lost, pytest.raises(InvalidInputError, match="in memory"):
        lost.installation()
