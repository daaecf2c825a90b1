"""Notes: what others wrote stays, and of several writers none is lost."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.git.repository import GitProgram
from aivcs.errors import ConflictError, GitFailed

if TYPE_CHECKING:
    from tests.linking.conftest import Git

WRITER = """
import sys
from aivcs.adapters.git.repository import GitProgram
from aivcs.domain.link import Fact, Linked, added
git = GitProgram()
for number in range(4):
    fact = Fact(Linked.RUN, f"{sys.argv[1]}-{number}")
    assert git.annotate(git.commit("HEAD"), lambda note: added(note, [fact]))
"""


def test_notes_are_replaced_and_left_alone(git: Git) -> None:
    one, two = git.commit("one"), git.commit("two")
    asked = GitProgram()
    assert asked.notes([one]) == asked.notes([one, two]) == asked.notes([]) == {}
    assert asked.annotate(one, lambda note: note + b"first\n")
    assert asked.annotate(two, lambda note: note + b"\xff binary\0\n")
    assert not asked.annotate(one, lambda _: None)
    assert asked.annotate(one, lambda note: note + b"second\n")
    assert asked.notes([one]) == {one: b"first\nsecond\n"}
    assert asked.notes([one, two]) == {one: b"first\nsecond\n", two: b"\xff binary\0\n"}
    assert git.note(one) == ["first", "second"]
    assert git("log", "--format=%N", "--notes=aivcs", "-1", one) == "first\nsecond"
    # Nothing is left of the ref under which a note is made.
    assert git("for-each-ref", "--format=%(refname)", "refs/notes") == "refs/notes/aivcs"
    assert git("rev-list", "--count", "refs/notes/aivcs") == "3"


def test_a_configured_ref_of_notes_is_not_meant(git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = git.commit()
    monkeypatch.setenv("GIT_NOTES_REF", "refs/notes/other")
    git("config", "core.notesRef", "refs/notes/third")
    GitProgram().annotate(commit, lambda _: b"line\n")
    assert git("for-each-ref", "--format=%(refname)", "refs/notes") == "refs/notes/aivcs"


def test_a_ref_that_stands_for_a_branch_does_not_move_the_branch(git: Git) -> None:
    commit = git.commit()
    branch = git("symbolic-ref", "HEAD")
    git("symbolic-ref", "refs/notes/aivcs", branch)
    assert GitProgram().annotate(commit, lambda note: note + b"line\n")
    assert git("rev-parse", branch) == commit
    assert git.note(commit) == ["line"]
    assert GitProgram().annotate(commit, lambda note: note + b"more\n")
    assert git("rev-parse", branch) == commit


def test_writers_at_the_same_time_lose_nothing(git: Git) -> None:
    git.commit()
    crew = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(number)], stderr=subprocess.PIPE)
        for number in range(4)
    ]
    for one in crew:
        _, err = one.communicate()
        assert one.returncode == 0, err.decode()
    assert len(git.note()) == 4 * 4


def test_a_ref_that_moves_is_read_again(git: Git) -> None:
    commit = git.commit()
    calls: list[bytes] = []

    def change(note: bytes) -> bytes:
        calls.append(note)
        if len(calls) == 1:
            git("notes", "--ref", "aivcs", "add", "-m", "somebody else's", commit)
        return note + b"mine\n"

    assert GitProgram().annotate(commit, change)
    assert calls == [b"", b"somebody else's\n"]
    assert git.note() == ["somebody else's", "mine"]


def test_a_ref_that_never_stays(git: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = git.commit()
    monkeypatch.setattr("aivcs.adapters.git.noting._ATTEMPTS", 2)
    monkeypatch.setattr("aivcs.adapters.git.noting._PAUSE_SECONDS", 0)
    calls: list[bytes] = []

    def change(note: bytes) -> bytes:
        calls.append(note)
        git("notes", "--ref", "aivcs", "add", "-f", "-m", f"again {len(calls)}", commit)
        return note + b"mine\n"

    with pytest.raises(ConflictError, match="other processes write notes all the time"):
        GitProgram().annotate(commit, change)
    assert git("for-each-ref", "--format=%(refname)", "refs/notes") == "refs/notes/aivcs"


def test_a_ref_that_is_no_notes(git: Git) -> None:
    commit = git.commit()
    (git.place / ".git/refs/notes").mkdir(parents=True)
    (git.place / ".git/refs/notes/aivcs").write_text("nonsense\n")
    with pytest.raises(GitFailed):
        GitProgram().annotate(commit, lambda _: b"line\n")
    assert GitProgram().notes([commit]) == {}


def test_notes_in_a_bare_repository(git: Git, remote: Git) -> None:
    commit = git.commit()
    git("push", "--quiet", "origin", "main")
    assert GitProgram(remote.place).annotate(commit, lambda _: b"line\n")
    assert remote.note(commit) == ["line"]


def test_a_note_whose_bytes_are_gone(git: Git) -> None:
    commit = git.commit()
    GitProgram().annotate(commit, lambda _: b"line\n")
    blob = git("notes", "--ref", "aivcs", "list", commit)
    (git.place / ".git/objects" / blob[:2] / blob[2:]).unlink()
    assert GitProgram().notes([commit]) == {commit: b""}
