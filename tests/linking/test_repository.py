"""What git is asked, and what its failures become."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.git.repository import GitProgram
from aivcs.errors import AivcsError, CommitNotFound, GitFailed, InvalidInputError, NoGitRepository

if TYPE_CHECKING:
    from pathlib import Path

    from tests.linking.conftest import Git


def test_commits_by_every_name(git: Git) -> None:
    with pytest.raises(CommitNotFound, match="no commit HEAD") as unborn:
        GitProgram().commit("HEAD")
    assert unborn.value.hint == "commit something first"
    one = git.commit("one")
    git("tag", "-a", "v1", "-m", "first")
    two = git.commit("two")
    asked = GitProgram()
    for name in ("HEAD", "main", two, two[:8], "HEAD@{0}", "v1^0~0"):
        assert asked.commit(name) == (one if name.startswith("v1") else two)
    assert asked.commit("v1") == one
    git("checkout", "--quiet", "--detach", one)
    assert asked.commit("HEAD") == one


@pytest.mark.parametrize(
    "name",
    ["", "-", "--all", "--exec=touch x", "a\nb", "a\0b", "a\tb", "\x1b[31m", "x" * 2000, "\ud800"],
)
def test_names_that_no_revision_has(git: Git, name: str) -> None:
    git.commit()
    with pytest.raises(InvalidInputError, match="not a revision"):
        GitProgram().commit(name)


@pytest.mark.parametrize("name", ["f" * 40, "nobody", "a..b", "HEAD:bot", "HEAD^5", "$(touch x)"])
def test_names_that_lead_to_no_commit(git: Git, name: str) -> None:
    git.commit()
    with pytest.raises(CommitNotFound, match="git repository has no commit") as error:
        GitProgram().commit(name)
    assert error.value.hint == "'git log' lists the commits"
    assert not (git.place / "x").exists()


def test_a_shallow_clone_says_how_to_get_more(git: Git, tmp_path: Path) -> None:
    one = git.commit("one")
    two = git.commit("two")
    git("clone", "--quiet", "--depth=1", f"file://{git.place}", str(tmp_path / "shallow"))
    asked = GitProgram(tmp_path / "shallow")
    assert asked.commit("HEAD") == two
    assert asked.peeled([one, two]) == {two: two}
    assert asked.unpushed([two], [], "origin") == [two]
    with pytest.raises(CommitNotFound) as error:
        asked.commit(one)
    assert "git fetch --unshallow" in str(error.value.hint)


def test_trailers(git: Git) -> None:
    git.commit("subject\n\nbody: no trailer\n\nAivcs-Spec: abc\nOther:  two\n words\n")
    assert GitProgram().trailers("HEAD") == [("Aivcs-Spec", "abc"), ("Other", "two words")]
    git.commit("none")
    assert GitProgram().trailers("HEAD") == []


def test_manifests_are_those_that_git_tracks(git: Git) -> None:
    git.write("aivcs.toml", "")
    git.write("ignored/aivcs.toml", "")
    git.write(".gitignore", "ignored\n")
    git.write("other/not-aivcs.toml", "")
    git.write("gone/aivcs.toml", "")
    git.commit()
    (git.place / "gone/aivcs.toml").unlink()
    assert GitProgram(git.place / "bot").manifests() == [".", "bot"]


def test_the_root_of_the_working_tree(git: Git, remote: Git, tmp_path: Path) -> None:
    git.commit()
    assert GitProgram(git.place / "bot").top() == git.place
    assert GitProgram(remote.place).top() is None
    git("worktree", "add", "--quiet", str(tmp_path / "second"))
    assert GitProgram(tmp_path / "second").top() == tmp_path / "second"


def test_what_a_push_brings(git: Git, remote: Git) -> None:
    assert remote("rev-parse", "--is-bare-repository") == "true"
    one, two, three = (git.commit(name) for name in ("one", "two", "three"))
    asked = GitProgram()
    assert asked.unpushed([three], [], "origin") == [three, two, one]
    assert asked.unpushed([three], [one], "origin") == [three, two]
    assert asked.unpushed([one, two], [], "origin") == [one, two]
    assert asked.unpushed([], [one], "origin") == []
    git("push", "--quiet", "origin", f"{two}:refs/heads/main")
    git("fetch", "--quiet")
    assert asked.unpushed([three], [], "origin") == [three]
    # The tip is judged although the remote has it.
    assert asked.unpushed([two], [], "origin") == [two]
    assert asked.unpushed([three], [], "https://*\n") == [three, two, one]
    assert asked.unpushed([three], [], "") == [three, two, one]
    git("tag", "-a", "v1", "-m", "v1", two)
    tag, tree = git("rev-parse", "v1"), git("rev-parse", "HEAD^{tree}")
    assert asked.peeled([tag, tree, "f" * 40, three]) == {tag: two, three: three}
    assert asked.peeled([]) == {}


def test_no_git_repository(tmp_path: Path) -> None:
    with pytest.raises(NoGitRepository, match="no git repository in") as error:
        GitProgram(tmp_path).commit("HEAD")
    assert error.value.exit_code == 10


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(GitFailed, match="cannot change to"):
        GitProgram(tmp_path / "absent").commit("HEAD")
    with pytest.raises(GitFailed, match="git cannot be called"):
        GitProgram("nul\0").commit("HEAD")


def test_variables_do_not_lead_elsewhere(
    git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = git.commit()
    (tmp_path / "plain").mkdir()
    monkeypatch.setenv("GIT_DIR", str(git.place / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", "/absent/index")
    with pytest.raises(NoGitRepository):
        GitProgram(tmp_path / "plain").commit("HEAD")
    assert GitProgram(tmp_path / "plain", in_hook=True).commit("HEAD") == commit


def test_git_that_is_missing(git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(git.place))
    with pytest.raises(GitFailed, match="the program git is not here") as error:
        GitProgram().commit("HEAD")
    assert error.value.exit_code == 7


def test_git_that_hangs(git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    git.write("git", "#!/bin/sh\nexec sleep 60\n").chmod(0o755)
    monkeypatch.setenv("PATH", str(git.place), prepend=":")
    monkeypatch.setattr("aivcs.adapters.git.program._TIMEOUT", 0.1)
    with pytest.raises(GitFailed, match=r"longer than 0\.1 seconds") as error:
        GitProgram().commit("HEAD")
    assert isinstance(error.value.__cause__, subprocess.TimeoutExpired)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("kill -9 $$", "git rev-parse failed: exit status -9"),
        ("echo 'fatal: broken'; echo 'fatal: broken' >&2; exit 9", "failed: fatal: broken"),
        ("echo strange >&2; exit 9", "git rev-parse failed: strange"),
    ],
)
def test_git_that_breaks(
    git: Git, script: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    git.write("git", f"#!/bin/sh\n{script}\n").chmod(0o755)
    monkeypatch.setenv("PATH", str(git.place), prepend=":")
    with pytest.raises(GitFailed, match=message):
        GitProgram().commit("HEAD")


def test_somebody_elses_repository_is_refused(git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    git.commit()
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(GitFailed, match=r"git refuses .* as somebody else's") as error:
        GitProgram().commit("HEAD")
    assert "safe.directory" in str(error.value.hint)


def test_no_program_of_the_repository_is_run(git: Git) -> None:
    git.commit()
    git.write("ran.sh", "#!/bin/sh\ntouch ran\n").chmod(0o755)
    for key in ("core.fsmonitor", "gpg.program", "core.pager", "core.editor"):
        git("config", key, str(git.place / "ran.sh"))
    git("config", "log.showSignature", "true")
    asked = GitProgram()
    asked.trailers(asked.commit("HEAD"))
    asked.manifests()
    asked.annotate(asked.commit("HEAD"), lambda _: b"line\n")
    assert not (git.place / "ran").exists()


def test_a_note_needs_an_author(git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = git.commit()
    git("config", "user.useConfigOnly", "true")
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.delenv(f"GIT_{name}_NAME")
        monkeypatch.delenv(f"GIT_{name}_EMAIL")
    with pytest.raises(AivcsError, match="git does not know who you are"):
        GitProgram().annotate(commit, lambda _: b"line\n")
    assert git("for-each-ref", "refs/notes") == ""
