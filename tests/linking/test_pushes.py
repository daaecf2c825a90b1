"""The gate before a push, asked by git itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

import aivcs
from aivcs.domain.hookscript import Hook, Installation
from aivcs.repo.linking import hooks
from tests.linking.conftest import Git

if TYPE_CHECKING:
    from pathlib import Path

    from aivcs.domain.digest import Digest
    from aivcs.repo import Repo

PASSED = b'{"suite": "faq", "example_id": "q1", "passed": true}\n'
GATED = '[git]\npush_gate = "bot/prod"\n[gates."bot/prod"]\nmin_pass_rate = 0.9\n'


class Pushed(NamedTuple):
    """Whether git pushed, and what was said."""

    done: bool
    said: str


def push(git: Git, *arguments: str) -> Pushed:
    done = git.call("push", "origin", *arguments)
    return Pushed(done.returncode == 0, done.stderr)


def declare(git: Git, text: str) -> None:
    with (git.place / ".aivcs/config.toml").open("a") as file:
        file.write(text)


def evaluate(repo: Repo, spec: Digest) -> None:
    repo.evidence.record_file(spec, PASSED)


@pytest.fixture
def hooked(repo: Repo, git: Git, remote: Git) -> Git:
    """Have a remote, both hooks, and a commit whose spec nobody evaluated."""
    assert remote.place.exists()
    hooks().install(list(Hook), repo.installation())
    git.commit()
    return git


def test_without_a_gate_everything_sound_is_pushed(hooked: Git, remote: Git) -> None:
    done = push(hooked, "main", "refs/notes/aivcs")
    assert done.done, done.said
    assert "aivcs: 1 spec of 1 commit may be pushed" in done.said
    assert remote.note(hooked("rev-parse", "HEAD")) == hooked.note()
    again = push(hooked, "main")
    assert (again.done, "aivcs:" in again.said) == (True, False)


def test_the_declared_gates_decide(hooked: Git, repo: Repo, remote: Git) -> None:
    declare(hooked, GATED)
    (spec,) = repo.specs.list()
    refused = push(hooked, "main")
    assert not refused.done
    head = hooked("rev-parse", "HEAD")[:12]
    wanted = f"main ({head}): spec {spec.digest.short()} for bot/prod: min_pass_rate: no evalu"
    assert wanted in refused.said
    assert "'git push --no-verify' goes around" in refused.said
    assert remote("for-each-ref") == ""
    evaluate(repo, spec.digest)
    assert push(hooked, "main").done
    hooked.write("bot/system.md", "Be rude.\n")
    hooked.commit()
    assert not push(hooked, "main").done
    assert push(hooked, "--no-verify", "main").done
    assert push(hooked, "--no-verify", "HEAD:refs/heads/other").done
    # What is removed there is asked nothing.
    assert push(hooked, ":other").done


def test_all_violations_are_listed(hooked: Git, repo: Repo) -> None:
    declare(hooked, GATED + "min_examples = 3\nrequire_approval = 1\nversion_bump = true\n")
    done = push(hooked, "main", "HEAD:refs/heads/other")
    assert not done.done
    for gate in ("min_pass_rate", "min_examples", "require_approval"):
        assert done.said.count(f"for bot/prod: {gate}: ") == 2
    assert "the push of main, other is refused: " in done.said
    assert "version_bump" not in done.said
    assert not repo.releases.history("bot/prod")


def test_a_tag_brings_its_label(hooked: Git, repo: Repo) -> None:
    declare(hooked, '[git]\npush_gate = "bot"\n[gates]\nsemver_format = true\n'
                    "unique_version = true\n")  # fmt: skip
    (spec,) = repo.specs.list()
    repo.releases.promote("bot", spec.digest, aivcs.ReleaseMetadata("1.0.0", "ada"))
    for tag in ("1.0.0", "1.1.0", "latest"):
        hooked("tag", "-a", tag, "-m", tag)
    assert push(hooked, "main").done
    assert push(hooked, "1.1.0").done
    taken, odd = push(hooked, "1.0.0"), push(hooked, "latest")
    assert "unique_version: '1.0.0' is the label of an earlier release" in taken.said
    assert "semver_format: 'latest' is not a version" in odd.said
    assert [taken.done, odd.done] == [False, False]
    hooked("tag", "tree", "HEAD^{tree}")
    assert push(hooked, "tree").done


def test_a_name_of_the_hook_goes_before_the_configuration(hooked: Git, repo: Repo) -> None:
    declare(hooked, GATED)
    hooks().install([Hook.PRE_PUSH], repo.installation(name="bot/staging"))
    assert push(hooked, "main").done


def test_a_head_without_a_spec(hooked: Git, repo: Repo) -> None:
    declare(hooked, GATED)
    (spec,) = repo.specs.list()
    evaluate(repo, spec.digest)
    hooks().remove([Hook.POST_COMMIT])
    # What is checked out is stored at once, whoever made the commit.
    commit = hooked.commit("without a hook")
    assert push(hooked, "main").done
    assert repo.links().of(commit).links[0].fact.dirty is False
    hooked.commit("unknown")
    hooked("checkout", "--quiet", "--detach", "HEAD~1")
    unknown = push(hooked, "main")
    assert "): no spec was stored at this commit" in unknown.said
    assert not unknown.done


def test_a_dirty_spec_does_not_count(hooked: Git, repo: Repo) -> None:
    declare(hooked, GATED)
    hooks().remove([Hook.POST_COMMIT])
    hooked.commit()
    hooked.write("bot/system.md", "Not committed.\n")
    evaluate(repo, repo.specs.add("bot").digest)
    done = push(hooked, "main")
    assert not done.done
    assert "its spec was stored of files that differ from the commit" in done.said


def test_what_cannot_be_stored_is_said(hooked: Git) -> None:
    declare(hooked, GATED)
    hooked.write("bot/aivcs.toml", "nonsense")
    hooked.commit()
    done = push(hooked, "main")
    assert not done.done
    assert f"{hooked.place}/bot: aivcs.toml is not TOML" in done.said


def test_objects_of_every_linked_spec_must_be_sound(hooked: Git, repo: Repo) -> None:
    first = hooked("rev-parse", "HEAD")
    big = "x" * 2**20
    hooked.write("bot/system.md", big)
    hooked.commit()
    hooked.write("bot/system.md", "Be kind again.\n")
    hooked.commit()
    (large,) = (hooked.place / ".aivcs/objects").rglob("*.zst")
    data = bytearray(large.read_bytes())
    data[len(data) // 2] ^= 1
    large.chmod(0o600)
    large.write_bytes(data)
    assert push(hooked, f"{first}:refs/heads/main").done
    done = push(hooked, "main")
    assert not done.done
    assert "system.md of spec" in done.said
    large.unlink()
    gone = push(hooked, "main")
    assert not gone.done
    assert "system.md of spec" in gone.said
    assert repo.specs.list()


def test_a_spec_that_only_a_note_knows_is_a_warning(hooked: Git) -> None:
    line = '{"dirty":false,"name":"x","spec":"%s"}' % ("a" * 64)
    hooked("notes", "--ref", "aivcs", "add", "-f", "-m", f"nonsense\n{line}")
    done = push(hooked, "main")
    assert done.done
    assert f"warning: {hooked('rev-parse', 'HEAD')[:12]}: the spec {'a' * 12} of its note" in (
        done.said
    )


def test_a_note_does_not_open_the_gate(hooked: Git, repo: Repo, tmp_path: Path) -> None:
    """Whoever can push a note can say anything; the ledger is what counts."""
    declare(hooked, GATED)
    hooks().remove([Hook.POST_COMMIT])
    (good,) = repo.specs.list()
    evaluate(repo, good.digest)
    hooked.write("bot/system.md", "Be rude.\n")
    bad = hooked.commit()
    repo.links().link(str(good.digest), bad)
    assert not push(hooked, "main").done
    hooked("worktree", "add", "--quiet", "--detach", str(tmp_path / "other"), "HEAD~1")
    assert not push(Git(tmp_path / "other"), "main").done


@pytest.mark.parametrize("fail_open", [False, True])
@pytest.mark.parametrize("python", ["/absent/python", "/bin/false"])
def test_a_program_that_is_missing(hooked: Git, remote: Git, python: str, fail_open: bool) -> None:
    broken = Installation(python, hooked.place / ".aivcs", fail_open=fail_open)
    hooks().install([Hook.PRE_PUSH], broken)
    done = push(hooked, "main")
    assert done.done is fail_open
    assert ("as --fail-open wants" in done.said) is fail_open
    assert ("'git push --no-verify' goes around" in done.said) is not fail_open
    assert (remote("for-each-ref") != "") is fail_open


def test_open_is_not_open_for_violations(hooked: Git, repo: Repo) -> None:
    declare(hooked, GATED)
    hooks().install([Hook.PRE_PUSH], repo.installation(fail_open=True))
    assert not push(hooked, "main").done


def test_a_repository_that_cannot_be_read_closes_the_gate(hooked: Git) -> None:
    declare(hooked, "[git]\npush_gate = 7\n")
    done = push(hooked, "main")
    assert not done.done
    assert "push_gate is 7" in done.said
    assert "the gates could not be asked" in done.said


@pytest.mark.parametrize(("status", "done"), [(0, True), (3, False)])
def test_the_hook_before_is_asked_too(
    repo: Repo, git: Git, remote: Git, status: int, done: bool
) -> None:
    assert remote.place.exists()
    script = f"#!/bin/sh\necho before $1 >&2\ncat >seen\nexit {status}\n"
    git.write(".git/hooks/pre-push", script).chmod(0o755)
    hooks().install(list(Hook), repo.installation(), force=True)
    head = git.commit()
    pushed = push(git, "main")
    assert pushed.done is done
    assert pushed.said.startswith("before origin\n")
    assert ("may be pushed" in pushed.said) is done
    zeros = "0" * 40
    assert (git.place / "seen").read_text() == f"refs/heads/main {head} refs/heads/main {zeros}\n"
