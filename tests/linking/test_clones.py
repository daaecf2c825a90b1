"""Two people with a clone each: both push their notes, and nothing is lost."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import aivcs
from aivcs.adapters.git.repository import GitProgram
from aivcs.domain.link import Fact, Linked, added
from aivcs.domain.pushing import Push
from tests.linking.conftest import Git

if TYPE_CHECKING:
    from aivcs.repo import Repo

REF = "refs/notes/aivcs"


def test_two_clones_merge_their_notes(git: Git, repo: Repo, remote: Git, tmp_path: Path) -> None:
    first = git.commit("one")
    ada = repo.specs.add("bot")
    git("push", "--quiet", "origin", "main")
    Git(tmp_path)("clone", "--quiet", str(remote.place), "grace")
    grace = Git(tmp_path / "grace")
    repo.links().link()
    git("push", "--quiet", "origin", REF)

    with aivcs.init(grace.place) as other:
        assert other.specs.add(grace.place / "bot", name="helper").digest == ada.digest
        run = other.runs.create_run(ada.digest, aivcs.RunMetadata("helper", git_sha=first))
        other.links(grace.place).link()
        refused = grace.call("push", "origin", REF)
        assert refused.returncode == 1
        assert "rejected" in refused.stderr
        grace("fetch", "--quiet", "origin", f"{REF}:refs/notes/origin/aivcs")
        merge = ("notes", "--ref", "aivcs", "merge", "-s", "cat_sort_uniq")
        grace(*merge, "refs/notes/origin/aivcs")
        grace("push", "--quiet", "origin", REF)
        hers = other.links(grace.place).of(first)
    git("fetch", "--quiet", "origin", f"{REF}:{REF}")

    specs = [Fact(Linked.SPEC, str(ada.digest), ada.digest, name, dirty=False) for name in
             ("bot", "helper")]  # fmt: skip
    of_run = Fact(Linked.RUN, str(run), ada.digest, "helper")
    union = [*specs, of_run]
    assert git.note(first) == grace.note(first) == remote.note(first)
    assert "\n".join(git.note(first)) == (added(b"", union) or b"").decode().strip()
    # git's own merge and ours are one function: nothing is left to add.
    assert added("\n".join(git.note(first)).encode(), union) is None
    assert [(link.fact.what.value, link.here) for link in hers.links] == [
        ("spec", True),
        ("run", True),
    ]
    mine = repo.links().of(first)
    assert [(link.fact.what.value, link.here) for link in mine.links] == [
        ("spec", True),
        ("run", False),
    ]


def test_lines_merge_as_git_merges_them(git: Git) -> None:
    """For any two notes git's ``cat_sort_uniq`` and ours give the same."""
    dice = Random(7)  # noqa: S311 - dice, no secrets
    asked = GitProgram()
    for _ in range(8):
        commit = git.commit()
        some, more = (
            [
                Fact(Linked.RUN, f"run {dice.randrange(5)} \u00fc")
                for _ in range(dice.randrange(1, 5))
            ]
            for _ in range(2)
        )
        asked.annotate(commit, partial(added, facts=some))
        for name in ("mine", "theirs"):
            git("update-ref", f"refs/notes/{name}", REF)
        git("notes", "--ref", "mine", "append", "-m", "by hand", commit)
        theirs = added(asked.notes([commit])[commit], more)
        if theirs is not None:
            note = ("notes", "--ref", "theirs", "add", "-f", "-m", theirs.decode())
            git(*note, commit)
        git("notes", "--ref", "mine", "merge", "-q", "-s", "cat_sort_uniq", "theirs")
        merged = git("notes", "--ref", "mine", "show", commit)
        ours = added(b"by hand\n", [*some, *more])
        assert theirs is None or merged.encode() + b"\n" == ours


def test_names_of_64_characters(git: Git, repo: Repo, tmp_path: Path) -> None:
    other = Git(tmp_path / "other")
    other.place.mkdir()
    other("init", "--quiet", "--object-format=sha256")
    other.write("system.md", "Long names.\n")
    commit = other.commit()
    assert len(commit) == 64
    spec = repo.specs.add(other.place)
    links = repo.links(other.place)
    assert links.link().facts == (
        Fact(Linked.SPEC, str(spec.digest), spec.digest, "other", dirty=False),
    )
    assert not links.link(str(spec.digest), commit[:9]).changed
    found = repo.push_gate(other.place).judged([Push("refs/heads/x", commit, None)], "")
    assert (found.commits, found.specs) == (1, (spec.digest,))
    assert git.call("rev-parse", "HEAD").returncode == 128


def test_a_submodule_has_notes_of_its_own(git: Git, repo: Repo, tmp_path: Path) -> None:
    part = Git(tmp_path / "part")
    part.place.mkdir()
    part("init", "--quiet", "--initial-branch=main")
    part.write("aivcs.toml", 'name = "part"\n')
    part.write("system.md", "I am a part.\n")
    inner = part.commit()
    git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(part.place), "part")
    outer = git.commit()
    spec = repo.specs.add(Path("part"))
    assert spec.git_sha == inner
    assert repo.links("part").link().commit == inner
    assert Git(git.place / "part").note(inner)
    assert git.call("notes", "--ref", "aivcs", "show", outer).returncode == 1
