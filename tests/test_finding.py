"""From what a person types to the one thing it means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aivcs.domain.release import ReleaseMetadata
from aivcs.domain.run import RunMetadata
from aivcs.errors import (
    AmbiguousId,
    InvalidDigest,
    NotFound,
    NotFoundError,
    ReleaseNotFound,
    RunNotFound,
    SpecNotFound,
)
from aivcs.repo import open_repo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.domain.spec import AgentSpec
    from aivcs.repo import Repo


@pytest.fixture
def repo() -> Iterator[Repo]:
    with open_repo("memory:") as repo:
        yield repo


@pytest.fixture
def specs(repo: Repo) -> list[AgentSpec]:
    return [
        repo.specs.add({"name": "bot", "components": {"prompts": {"system.md": text}}})
        for text in ("one", "two", "three")
    ]


def _promote(repo: Repo, name: str, spec: AgentSpec, label: str | None = None) -> None:
    repo.releases.promote(name, spec.digest, ReleaseMetadata(version_label=label, promoted_by="me"))


def test_releases_by_every_name(repo: Repo, specs: list[AgentSpec]) -> None:
    for number, spec in enumerate(specs, 1):
        _promote(repo, "bot", spec, f"v{number}")
    wanted = {"bot": 3, "bot@1": 1, "bot@v2": 2, "bot~1": 2, "bot~2": 1, "bot~": 2, "bot@v3~1": 2}
    assert {text: repo.find.release(text).seq for text in wanted} == wanted
    assert {text: repo.find.spec(text) for text in wanted} == {
        text: specs[seq - 1].digest for text, seq in wanted.items()
    }
    for text in ("other", "bot@v9", "bot@4", "bot~3", "~1", "", f"bot~{'9' * 5000}"):
        with pytest.raises(ReleaseNotFound):
            repo.find.release(text)


def test_specs_by_digest(repo: Repo, specs: list[AgentSpec]) -> None:
    for spec in specs:
        text = str(spec.digest)
        for form in (text, text.upper(), f"sha256:{text}", text[:12], text[:-1]):
            assert repo.find.spec(form) == spec.digest
    for text in ("no-such", "abc", "0" * 64, "ffff0000"):
        with pytest.raises(SpecNotFound, match=text):
            repo.find.spec(text)
    with pytest.raises(InvalidDigest):
        repo.find.spec("0" * 65)


def test_an_agent_that_is_named_like_a_digest(repo: Repo, specs: list[AgentSpec]) -> None:
    """A whole digest is always itself; what could be both is ambiguous."""
    first, second, _ = specs
    whole, prefix = str(first.digest), str(first.digest)[:8]
    _promote(repo, whole, second)
    _promote(repo, prefix, second)
    assert repo.find.spec(whole) == first.digest
    assert repo.find.spec(f"{whole}@1") == second.digest
    with pytest.raises(AmbiguousId, match=whole):
        repo.find.spec(prefix)


def test_objects_by_digest(repo: Repo) -> None:
    digests = repo.objects.put_many(b"%d" % number for number in range(3000))
    for digest in digests[::100]:
        assert repo.find.object(str(digest)[:16]) == digest
    prefixes = [str(digest)[:4] for digest in digests]
    twice = next(prefix for prefix in prefixes if prefixes.count(prefix) > 1)
    with pytest.raises(AmbiguousId, match=twice):
        repo.find.object(twice)
    with pytest.raises(NotFound):
        repo.find.object("0000000000")
    for text in ("abc", "hello", "0" * 65, ""):
        with pytest.raises(InvalidDigest):
            repo.find.object(text)


def test_runs(repo: Repo, specs: list[AgentSpec]) -> None:
    for text in ("latest", "abc", "abcd"):
        with pytest.raises(RunNotFound):
            repo.find.run(text)
    runs = [repo.runs.create_run(specs[0].digest, RunMetadata("bot")) for _ in range(3)]
    assert [repo.find.run(run[:13]) for run in runs] == runs
    assert repo.find.run("latest") == runs[-1]
    with pytest.raises(RunNotFound):
        repo.find.run(runs[0][:3])


def test_runs_that_begin_alike() -> None:
    names = iter(["same-1", "same-2", "same"])
    with open_repo("memory:", ids=lambda: next(names)) as repo:
        spec = repo.specs.add({"components": {"prompts": {"system.md": "x"}}})
        for _ in range(2):
            repo.runs.create_run(spec.digest, RunMetadata("bot"))
        with pytest.raises(AmbiguousId, match="same-1, same-2"):
            repo.find.run("same")
        whole = repo.runs.create_run(spec.digest, RunMetadata("bot"))
        assert repo.find.run("same") == whole


def test_a_name_that_has_no_release_yet(repo: Repo) -> None:
    spec = repo.specs.add({"name": "fresh", "components": {"prompts": {"p.md": "Hi.\n"}}})
    short = spec.digest.short()
    for find in (repo.find.spec, repo.find.release):
        with pytest.raises(NotFoundError) as raised:
            find("fresh")
        assert raised.value.hint == (
            f"fresh has no release yet; its newest spec is {short}, "
            f"and 'aivcs promote fresh {short}' releases it"
        )
    repo.releases.promote("fresh", spec.digest, ReleaseMetadata(None, "ada"))
    with pytest.raises(NotFoundError) as raised:
        repo.find.release("fresh@9")
    assert raised.value.hint == "'aivcs history fresh' lists its entries"
