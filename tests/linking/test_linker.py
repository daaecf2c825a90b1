"""Which specs, runs and releases belong to a commit, and the note that says so."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from aivcs.domain.digest import Digest
from aivcs.domain.link import Fact, Linked, Source
from aivcs.domain.release import ReleaseMetadata
from aivcs.domain.run import RunMetadata
from aivcs.errors import (
    AmbiguousId,
    CommitNotFound,
    NoGitRepository,
    NotFoundError,
    ProofInvalid,
    ReleaseNotFound,
    SpecNotFound,
)

if TYPE_CHECKING:
    from pathlib import Path

    from aivcs.domain.spec import AgentSpec
    from aivcs.repo import Repo
    from tests.linking.conftest import Git

BY = ReleaseMetadata("1.0.0", "ada")


def add(repo: Repo, git: Git) -> AgentSpec:
    return repo.specs.add(git.place / "bot")


def told(repo: Repo, revision: str = "HEAD") -> list[tuple[str, str, bool | None, list[str]]]:
    links = repo.links().of(revision).links
    return [
        (one.fact.what.value, one.fact.id, one.fact.dirty, [by.value for by in one.sources])
        for one in links
    ]


def test_what_is_recorded_at_a_commit(repo: Repo, git: Git) -> None:
    one = git.commit("one")
    spec = add(repo, git)
    run = repo.run(spec=spec, git_sha=one)
    run.__enter__()
    record = repo.releases.promote("bot", spec.digest, BY)
    repo.releases.promote("bot/prod", spec.digest, BY)
    repo.releases.deprecate("bot", 1, reason="bad")
    git.write("bot/system.md", "Be short.\n")
    two = git.commit("two")
    other = add(repo, git)
    repo.releases.promote("bot", other.digest, BY)
    assert told(repo, one) == [
        ("spec", str(spec.digest), False, ["ledger"]),
        ("run", run.run_id, None, ["ledger"]),
        ("release", f"bot@{record.seq}", False, ["ledger"]),
        ("release", "bot/prod@1", False, ["ledger"]),
    ]
    assert told(repo, two) == [
        ("spec", str(other.digest), False, ["ledger"]),
        ("release", "bot@3", False, ["ledger"]),
    ]
    assert all(link.here for link in repo.links().of(one).links)
    three = git.commit("three")
    assert repo.links().of(three).links == ()


def test_a_dirty_tree_is_never_exact(repo: Repo, git: Git) -> None:
    commit = git.commit()
    git.write("bot/system.md", "Be rude.\n")
    spec = add(repo, git)
    assert told(repo) == [("spec", str(spec.digest), True, ["ledger"])]
    noted = repo.links().link(str(spec.digest))
    assert (noted.commit, noted.changed) == (commit, True)
    assert [json.loads(line)["dirty"] for line in git.note()] == [True]
    git.write("bot/system.md", "Be kind.\n")
    clean = add(repo, git)
    assert told(repo)[0] == ("spec", str(clean.digest), False, ["ledger"])


def test_one_spec_dirty_here_and_clean_there(repo: Repo, git: Git) -> None:
    one = git.commit("one")
    git.write("bot/system.md", "Be short.\n")
    spec = add(repo, git)
    two = git.commit("two")
    add(repo, git)
    assert told(repo, one) == [("spec", str(spec.digest), True, ["ledger"])]
    assert told(repo, two) == [("spec", str(spec.digest), False, ["ledger"])]
    # The commit that has exactly this spec is linked, not the newest or first.
    git.write("bot/other", "x")
    assert repo.links().link(str(spec.digest)).commit == two
    assert repo.links().link(str(spec.digest), one).facts[0].dirty is True


def test_links_of_everything_that_is_recorded(repo: Repo, git: Git) -> None:
    commit = git.commit()
    with pytest.raises(NotFoundError, match=f"nothing is recorded for commit {commit}"):
        repo.links().link()
    spec = add(repo, git)
    repo.releases.promote("bot", spec.digest, BY)
    noted = repo.links().link()
    assert [fact.what.value for fact in noted.facts] == ["spec", "release", "checkpoint"]
    assert not repo.links().link().changed
    assert git.note() == sorted(fact.line().decode() for fact in noted.facts)
    assert told(repo)[:2] == [
        ("spec", str(spec.digest), False, ["ledger", "note"]),
        ("release", "bot@1", False, ["ledger", "note"]),
    ]


def test_the_checkpoint_is_the_published_one(repo: Repo, git: Git) -> None:
    git.commit()
    spec = add(repo, git)
    repo.releases.promote("bot", spec.digest, BY)
    noted = repo.links().link("bot@1.0.0")
    published = (git.place / ".aivcs/log/releases/checkpoint").read_text()
    assert noted.facts[-1] == Fact(Linked.CHECKPOINT, published)
    assert json.loads(git.note()[0]) == {"checkpoint": published}
    assert repo.links().of().links[-1].here
    git("notes", "--ref", "aivcs", "add", "-f", "-m", '{"checkpoint":"example.com/other\\n1\\n"}')
    assert not repo.links().of().links[-1].here


def test_a_damaged_checkpoint_is_not_linked(repo: Repo, git: Git) -> None:
    git.commit()
    repo.releases.promote("bot", add(repo, git).digest, BY)
    repo.links().link()
    noted = git.note()
    (git.place / ".aivcs/log/releases/checkpoint").write_text("nonsense")
    assert not repo.links().of().links[-1].here
    with pytest.raises(ProofInvalid):
        repo.links().link("bot@1")
    assert git.note() == noted


def test_runs_know_whether_the_tree_was_dirty(repo: Repo, git: Git) -> None:
    commit = git.commit()
    spec = add(repo, git)
    argv = [sys.executable, "-c", "pass"]

    def record() -> str:
        done = repo.command(argv, spec=spec, agent="bot", tags={}, warn=pytest.fail)
        return done.run.run_id

    git.write(".gitignore", "ignored\n")
    dirty = record()
    git.commit("clean again")
    clean = record()
    assert told(repo, commit)[1:] == [("run", dirty, True, ["ledger"])]
    assert told(repo) == [("run", clean, False, ["ledger"])]
    assert repo.links().link(clean[:8]).facts[0] == Fact(
        Linked.RUN, clean, spec.digest, "bot", dirty=False
    )
    assert repo.links().link(dirty, "HEAD").facts[0].dirty is None


def test_what_has_no_commit_needs_one(repo: Repo, git: Git) -> None:
    spec = add(repo, git)
    head = git.commit()
    run = repo.runs.create_run(spec.digest, RunMetadata("bot"))
    for item in (str(spec.digest), run):
        with pytest.raises(NotFoundError, match="no commit is recorded with") as error:
            repo.links().link(item)
        assert error.value.hint == "name one with --commit"
        noted = repo.links().link(item, "HEAD")
        assert (noted.commit, noted.facts[0].id, noted.changed) == (head, item, True)
    assert told(repo) == [
        ("run", run, None, ["note"]),
        ("spec", str(spec.digest), None, ["note"]),
    ]


def test_a_commit_of_another_git_repository(repo: Repo, git: Git) -> None:
    git.commit()
    spec = add(repo, git)
    run = repo.runs.create_run(spec.digest, RunMetadata("bot", git_sha="f" * 40))
    with pytest.raises(CommitNotFound, match="f" * 40):
        repo.links().link(run)
    # What a caller of the library said need not be a commit at all.
    odd = repo.runs.create_run(spec.digest, RunMetadata("bot", git_sha="--all"))
    with pytest.raises(ValueError, match="not a revision"):
        repo.links().link(odd)


def test_names_that_are_not_here(repo: Repo, git: Git) -> None:
    git.commit()
    with pytest.raises(SpecNotFound):
        repo.links().link("nothing")
    with pytest.raises(ReleaseNotFound):
        repo.links().link("nothing@1")


def test_a_beginning_of_two_things(repo: Repo, git: Git) -> None:
    git.commit()
    spec = add(repo, git)
    repo._ids = lambda: f"{str(spec.digest)[:8]}-run"
    repo.runs.create_run(spec.digest, RunMetadata("bot"))
    with pytest.raises(AmbiguousId, match="a run and of a spec"):
        repo.links().link(str(spec.digest)[:8])
    assert repo.links().link(str(spec.digest)).facts[0].what is Linked.SPEC


def test_trailers_are_read(repo: Repo, git: Git) -> None:
    spec = add(repo, git)
    repo.releases.promote("bot", spec.digest, BY)
    repo.releases.promote("beef", spec.digest, BY)
    run = repo.runs.create_run(spec.digest, RunMetadata("bot"))
    git.commit(
        f"subject\n\nAivcs-Spec: {spec.digest.short()}\nAIVCS-RUN: {run}\n"
        "Aivcs-Release: bot@1\nAivcs-Release: bot@7\nAivcs-Spec: --all\nAivcs-Run: nobody\n"
        "Aivcs-Spec: bot\nAivcs-Spec: beef\nAivcs-Release: bot@1.0.0\nAivcs-Run: latest\n"
        "Aivcs-Other: ignored\nSigned-off-by: Ada\n"
    )
    found = repo.links().of()
    assert told(repo) == [
        ("spec", str(spec.digest), None, ["trailer"]),
        ("run", run, None, ["trailer"]),
        ("release", "bot@1", None, ["trailer"]),
    ]
    # A name, a label or 'latest' would mean something else tomorrow.
    assert found.unread == (
        "Aivcs-Release: bot@7",
        "Aivcs-Spec: --all",
        "Aivcs-Run: nobody",
        "Aivcs-Spec: bot",
        "Aivcs-Spec: beef",
        "Aivcs-Release: bot@1.0.0",
        "Aivcs-Run: latest",
    )


def test_notes_that_somebody_edited(repo: Repo, git: Git) -> None:
    git.commit()
    spec = add(repo, git)
    repo.links().link()
    elsewhere = Digest.of(b"elsewhere")
    lines = [
        git.note()[0],
        "Grace was here",
        Fact(Linked.SPEC, str(elsewhere), elsewhere, "x", dirty=False).line().decode(),
        Fact(Linked.RUN, "absent", None, None).line().decode(),
        Fact(Linked.RELEASE, "bot@9", elsewhere).line().decode(),
        Fact(Linked.RELEASE, "not a name", elsewhere).line().decode(),
        Fact(Linked.CHECKPOINT, "nonsense").line().decode(),
    ]
    git("notes", "--ref", "aivcs", "add", "-f", "-m", "\n\n".join(lines))
    found = repo.links().of()
    assert found.unread == ("Grace was here",)
    assert [(link.fact.id, link.here) for link in found.links] == [
        (str(spec.digest), True),
        (str(elsewhere), False),
        ("absent", False),
        ("bot@9", False),
        ("not a name", False),
        ("nonsense", False),
    ]
    assert found.links[0].sources == (Source.LEDGER, Source.NOTE)
    git.write("bot/system.md", "Be short.\n")
    add(repo, git)
    repo.links().link()
    assert "Grace was here" in git.note()
    assert git.note() == sorted(git.note())


def test_the_git_repository_is_that_of_the_folder(
    repo: Repo, git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git.commit()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NoGitRepository):
        repo.links().of()
    assert repo.links(git.place / "bot").of().links == ()
