"""What a push is judged by, without git's pushing."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

import aivcs
from aivcs.domain.pushing import Push

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.domain.stored import StoredObject
    from aivcs.repo import Repo
    from tests.linking.conftest import Git

RESULTS = b'{"suite": "faq", "example_id": "q1", "passed": true}\n'
GATE = '[git]\npush_gate = "bot/prod"\n[gates."bot/prod"]\n'


@contextmanager
def declared(git: Git, text: str) -> Iterator[Repo]:
    """Open the repository anew, with more in its configuration."""
    with (git.place / ".aivcs/config.toml").open("a") as file:
        file.write(text)
    with aivcs.open(git.place) as repo:
        yield repo


def judged(repo: Repo, *commits: str, ref: str = "refs/heads/main") -> tuple[str, ...]:
    pushes = [Push(ref, commit, None) for commit in commits]
    return repo.push_gate().judged(pushes, "origin").violations


def test_gates_on_evidence(repo: Repo, git: Git) -> None:
    commit = git.commit()
    spec = repo.specs.add("bot")
    with declared(git, GATE + "min_examples = 1\nno_graph_change = true\n") as gated:
        said = "no evaluation of this spec is recorded here"
        place = f"main ({commit[:12]}): spec {spec.digest.short()} for bot/prod"
        assert judged(gated, commit) == (f"{place}: min_examples: {said}",)
        gated.evidence.record_file(spec, RESULTS)
        found = gated.push_gate().judged([Push("refs/heads/main", commit, None)], "origin")
        assert found == (1, (spec.digest,), (), ())


def test_labels_of_tags(repo: Repo, git: Git) -> None:
    commit = git.commit()
    spec = repo.specs.add("bot")
    repo.releases.promote("bot/prod", spec.digest, aivcs.ReleaseMetadata("1.0.0", "ada"))
    with declared(git, GATE + "unique_version = true\nrequire_notes = true\n") as gated:
        assert judged(gated, commit) == ()
        assert judged(gated, commit, ref="refs/tags/1.1.0") == ()
        (taken,) = judged(gated, commit, ref="refs/tags/1.0.0")
        assert taken.startswith(f"1.0.0 ({commit[:12]}): ")
        assert taken.endswith("unique_version: '1.0.0' is the label of an earlier release")


def test_the_spec_of_the_name_counts(repo: Repo, git: Git) -> None:
    git.write("other/aivcs.toml", 'name = "other"\n')
    git.write("other/system.md", "I am another.\n")
    git.write("other/tools/search.json", "{}\n")
    commit = git.commit()
    noted, wrong = repo.push_gate().committed()
    assert (sorted(str(fact.name) for fact in noted[0].facts), wrong) == (["bot", "other"], [])
    with declared(git, GATE + "require_tools_digest = true\n") as gated:
        (refused,) = judged(gated, commit)
        assert refused.endswith("require_tools_digest: the spec has no tools")
        gate = gated.push_gate()
        pushes = [Push("refs/heads/main", commit, None)]
        assert gate.judged(pushes, "origin", "other").violations == ()
        # Nothing is declared for a name: its gates are none.
        assert gate.judged(pushes, "origin", "third").violations == ()


def test_commits_without_an_exact_spec(repo: Repo, git: Git) -> None:
    one = git.commit("one")
    git.write("bot/system.md", "Be short.\n")
    repo.specs.add("bot")
    git.commit("two")
    with declared(git, GATE + "no_flip = true\n") as gated:
        dirty = f"main ({one[:12]}): its spec was stored of files that differ from the commit"
        assert judged(gated, one) == (dirty,)
        git.write("bot/system.md", "Be shorter.\n")
        head = git("rev-parse", "HEAD")
        # What is checked out was stored now, and is dirty.
        named = f"{dirty.replace(one[:12], head[:12])}: bot/system.md"
        assert judged(gated, head) == (named,)
        assert [link.fact.dirty for link in gated.links().of().links] == [True]
        git("checkout", "--quiet", "--orphan", "empty")
        three = git("commit-tree", "-m", "three", "main^{tree}")
        none = f"main ({three[:12]}): no spec was stored at this commit"
        assert judged(gated, three) == (none,)


def test_what_differs_is_named(repo: Repo, git: Git) -> None:
    git.write("bot/aivcs.toml", 'name = "bot"\n')
    head = git.commit("one")
    git.write("report.xml", "no part of the agent")
    repo.specs.add("bot")
    with declared(git, GATE + "require_notes = true\n") as gated:
        assert judged(gated, head) == ()
        for number in range(23):
            git.write(f"bot/prompts/{number:02}.md", "not committed")
        git("commit", "--quiet", "--allow-empty", "-m", "two")
        (said,) = judged(gated, git("rev-parse", "HEAD"))
    named = ", ".join(f"bot/prompts/{number:02}.md" for number in range(20))
    assert said.endswith(f"differ from the commit: {named} and 3 more")


def test_a_folder_that_is_no_agent(repo: Repo, git: Git) -> None:
    git.write("bot/aivcs.toml", "nonsense")
    commit = git.commit()
    noted, (wrong,) = repo.push_gate().committed()
    assert noted == []
    assert wrong.startswith(f"{git.place}/bot: aivcs.toml is not TOML")
    with declared(git, GATE) as gated:
        said = judged(gated, commit)
    assert said[0].endswith(wrong)
    assert said[1].endswith("no spec was stored at this commit")


def test_folders_by_configuration_and_by_default(repo: Repo, git: Git) -> None:
    (git.place / "bot/aivcs.toml").unlink()
    (git.place / "bot/system.md").rename(git.place / "nothing")
    git.commit()
    assert repo.push_gate().committed() == ([], [])
    git.write("plain/system.md", "I have no manifest.\n")
    git.commit()
    (noted,), _ = repo.push_gate().committed()
    assert [fact.name for fact in noted.facts] == ["work"]
    with declared(git, '[git]\nagents = ["plain", "absent"]\n') as named:
        (noted,), (wrong,) = named.push_gate().committed()
        assert [fact.name for fact in noted.facts] == ["plain"]
        assert wrong.startswith(f"{git.place}/absent: ")


@pytest.mark.parametrize("gate", ["", GATE])
def test_damaged_documents(repo: Repo, git: Git, gate: str) -> None:
    commit = git.commit()
    spec = repo.specs.add("bot")
    documents = {spec.digest, *filter(None, spec.components.values())}
    with declared(git, gate) as gated:
        getting, reading = gated.objects.get, gated.objects.read
        bad = aivcs.errors.IntegrityError("the bytes are others")

        def get(digest: aivcs.Digest) -> bytes:
            if digest in documents:
                raise bad
            return getting(digest)

        def read(stored: StoredObject) -> bytes:
            if stored.digest in documents:
                raise bad
            return reading(stored)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(type(gated.objects), "get", lambda _, digest: get(digest))
            patch.setattr(type(gated.objects), "read", lambda _, stored: read(stored))
            found = judged(gated, commit)
        assert len(found) == 1 + bool(gate)
        assert all("the bytes are others" in one and commit[:12] in one for one in found)
        assert judged(gated, commit) == ()


def test_specs_of_notes_are_read_too(repo: Repo, git: Git) -> None:
    commit = git.commit()
    spec = repo.specs.add({"name": "x", "components": {"prompts": {"a.md": "x"}}})
    repo.links().link(str(spec.digest), commit)
    git("notes", "--ref", "aivcs", "append", "-m", '{"checkpoint":"x"}')
    found = repo.push_gate().judged([Push("refs/heads/main", commit, None)], "origin")
    assert found == (1, (spec.digest,), (), ())
    assert repo.push_gate().judged([], "origin") == (0, (), (), ())
