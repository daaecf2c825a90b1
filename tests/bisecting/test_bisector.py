"""A bisection from question to record: releases, then components, in a run of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from aivcs.domain.bisect import BisectTerms
from aivcs.domain.kinds import KINDS, check_payload
from aivcs.domain.release import ReleaseMetadata
from aivcs.errors import InvalidInputError, ReleaseNotFound
from tests.bisecting.hunting import dice

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aivcs.domain.bisect import Evaluation
    from aivcs.domain.digest import Digest
    from aivcs.repo import Repo

    Release = Callable[[Mapping[str, str]], int]

PARTS = ("prompts", "tools", "model", "graph", "config", "env")


def text(repo: Repo, digest: Digest, part: str) -> str:
    if not repo.specs.get(digest).components[part]:
        return ""
    return repo.specs.read(digest, part, f"{part}.txt").decode()


def plant(release: Release, count: int, first: int, cause: tuple[str, ...]) -> None:
    """Release specs that differ in two components each, from ``first`` on with the cause."""
    texts = dict.fromkeys(PARTS, "0")
    for seq in range(1, count + 1):
        noise = PARTS[seq % 6], PARTS[(seq + 1) % 6]
        texts |= dict.fromkeys(noise, str(seq))
        if seq == first:
            texts |= dict.fromkeys(cause, f"{seq} broken")
        texts |= {part: f"{texts[part]} broken" for part in cause if seq > first and part in noise}
        assert release(texts) == seq


@pytest.mark.parametrize("first", [2, 17, 64])
@pytest.mark.parametrize("cause", [("prompts",), ("model", "env")])
def test_release_and_components_are_found_among_64(
    repo: Repo, release: Release, first: int, cause: tuple[str, ...]
) -> None:
    plant(release, 64, first, cause)
    asked: list[Digest] = []

    def check(digest: Digest) -> bool:
        asked.append(digest)
        return not all("broken" in text(repo, digest, part) for part in cause)

    found = repo.bisect("helper", check, good=1)
    assert found.first_bad is not None
    assert (found.first_bad.seq, found.last_good.seq) == (first, first - 1)
    assert found.components == cause
    assert set(cause) <= set(found.differing)
    assert found.confidence == 1.0
    assert sum(one.subject.seq is not None for one in found.evaluations) <= 6
    assert len(asked) == len(found.evaluations) == len(set(asked))


def test_a_flaky_check_is_asked_until_it_is_sure(repo: Repo, release: Release) -> None:
    plant(release, 16, 9, ("tools",))
    thrown = dice(1)

    def check(digest: Digest) -> bool:
        return ("broken" not in text(repo, digest, "tools")) != (thrown.random() < 0.2)

    found = repo.bisect("helper", check, good=1, terms=BisectTerms(flaky=0.2))
    assert found.first_bad is not None
    assert (found.first_bad.seq, found.components) == (9, ("tools",))
    assert 0.99 < found.confidence < 1
    digests = [one.subject.spec_digest for one in found.evaluations]
    assert len(digests) > len(set(digests))


def test_the_run_says_what_was_asked_answered_and_found(repo: Repo, release: Release) -> None:
    plant(release, 8, 5, ("graph",))
    told: list[Evaluation] = []
    found = repo.bisect(
        "helper",
        lambda digest: "broken" not in text(repo, digest, "graph"),
        good=1,
        bad=8,
        tell=told.append,
    )
    run = repo.runs.get_run(found.run_id)
    assert (run.status, run.metadata.agent_name) == ("COMPLETED", "helper")
    assert isinstance(run.metadata.tags, dict)
    assert run.metadata.tags["bisect"] == "helper"
    events = repo.runs.get_events(found.run_id)
    for event in events:
        assert event.kind in KINDS
        check_payload(event.kind, event.payload)
    payloads: list[Any] = [event.payload for event in events]
    assert payloads[0]["good"]["seq"] == 1
    assert payloads[0]["candidates"] == 7
    assert payloads[1:-1] == [one.to_json() for one in found.evaluations]
    assert payloads[-1]["first_bad"]["seq"] == 5
    assert payloads[-1]["components"] == ["graph"]
    assert tuple(told) == found.evaluations
    assert repo.evidence.of(run.spec_digest or "").results == ()


def test_skipped_releases_leave_several(repo: Repo, release: Release) -> None:
    for number in range(8):
        release({"prompts": str(number)})

    def check(digest: Digest) -> bool | None:
        number = int(text(repo, digest, "prompts"))
        return None if number in {3, 4} else number < 4

    found = repo.bisect("helper", check, good=1)
    assert found.first_bad is None
    assert [one.seq for one in found.could_be] == [4, 5, 6]
    assert found.last_good.seq == 3
    assert (found.components, found.blamed, found.differing) == ((), (), ())
    assert found.to_json()["first_bad"] is None
    run = repo.runs.get_run(found.run_id)
    assert (run.status, run.reason) == ("FAILED", "the first bad release could not be told apart")


def test_it_gives_up_when_it_was_told_to(repo: Repo, release: Release) -> None:
    plant(release, 16, 9, ("tools",))
    found = repo.bisect("helper", lambda _: True, good=1, terms=BisectTerms(at_most=2))
    assert len(found.evaluations) == 2
    assert [one.seq for one in found.could_be] in ([13, 14, 15, 16], [14, 15, 16])
    late = repo.bisect("helper", lambda _: True, good=15, terms=BisectTerms(at_most=1))
    assert late.first_bad is not None
    assert (len(late.evaluations), late.components) == (1, ())
    assert late.blamed


def test_without_components_only_the_release_is_sought(repo: Repo, release: Release) -> None:
    plant(release, 8, 5, ("graph",))
    found = repo.bisect(
        "helper",
        lambda digest: "broken" not in text(repo, digest, "graph"),
        good=1,
        terms=BisectTerms(components=False),
    )
    assert found.first_bad is not None
    assert found.first_bad.seq == 5
    assert (found.components, found.blamed) == ((), ())
    assert "graph" in found.differing
    assert all(not one.subject.components for one in found.evaluations)


def test_a_mix_that_was_released_is_not_asked_about_again(repo: Repo, release: Release) -> None:
    release({"prompts": "a"})
    release({"prompts": "b"})
    release({"prompts": "d", "env": "d"})
    end = release({"prompts": "b", "env": "d"})
    asked: list[Digest] = []

    def check(digest: Digest) -> bool:
        asked.append(digest)
        return "d" not in text(repo, digest, "env")

    found = repo.bisect("helper", check, good=1)
    assert found.components == ("env",)
    assert repo.releases.entry("helper", end).spec_digest not in asked
    assert len(asked) == len(set(asked)) == len(found.evaluations)


def test_files_that_exclude_one_another_are_no_mix(repo: Repo) -> None:
    for components in (
        {"prompts": {"a.txt": "1"}, "graph": {"b.txt": "1"}, "env": {"e.txt": "1"}},
        {"prompts": {"b.txt": "1"}, "graph": {"a.txt": "1"}, "env": {"e.txt": "2"}},
    ):
        spec = repo.specs.add({"name": "helper", "components": components})
        repo.releases.promote("helper", spec, ReleaseMetadata(promoted_by="ada"))
    before = {spec.digest for spec in repo.specs.list()}
    found = repo.bisect(
        "helper", lambda digest: repo.specs.read(digest, "env", "e.txt") != b"2", good=1
    )
    assert found.components == ("env",)
    mixes = [one for one in found.evaluations if one.answer == "skip"]
    assert all("stands already in" in str(one.detail["reason"]) for one in mixes)
    stored = {spec.digest for spec in repo.specs.list()}
    made = {one.subject.spec_digest for one in found.evaluations} - before
    assert made - {one.subject.spec_digest for one in mixes} == stored - before
    assert repo.verify().ok


def test_mixes_are_specs_that_can_be_had(repo: Repo, release: Release) -> None:
    release({"prompts": "a", "tools": "a", "model": "a"})
    release({"prompts": "b", "tools": "b"})
    found = repo.bisect("helper", lambda digest: text(repo, digest, "tools") != "b", good=1)
    assert found.components == ("tools",)
    for one in found.evaluations:
        spec = repo.specs.require(one.subject.spec_digest)
        assert spec.name == "helper"
        taken = {part for part in found.differing if text(repo, spec.digest, part) in {"b", ""}}
        assert taken & set(found.differing) == set(one.subject.components)
    assert repo.verify().ok


def test_a_command_checks_what_is_only_in_memory_too(repo: Repo, release: Release) -> None:
    for words in ("kind", "kind and brief", "brief", "rude"):
        release({"prompts": words})
    found = repo.bisect("helper", ["grep", "-q", "kind", "prompts.txt"], good=1)
    assert found.first_bad is not None
    assert found.first_bad.seq == 3
    assert found.evaluations


def test_what_is_no_answer_is_refused(repo: Repo, release: Release) -> None:
    for number in range(4):
        release({"prompts": str(number)})
    answer: Any = "yes"
    with pytest.raises(InvalidInputError, match="answers True, False or None, not 'yes'"):
        repo.bisect("helper", lambda _: answer, good=1)
    assert repo.runs.list_runs() == []


@pytest.mark.parametrize(("good", "bad"), [(9, None), (1, 9), ("v9", None)])
def test_ends_that_are_no_releases_are_refused(
    repo: Repo, release: Release, good: int | str, bad: int | None
) -> None:
    release({"prompts": "a"})
    release({"prompts": "b"})
    with pytest.raises(ReleaseNotFound):
        repo.bisect("helper", lambda _: True, good=good, bad=bad)


def test_an_agent_without_a_release_is_refused(repo: Repo) -> None:
    with pytest.raises(ReleaseNotFound):
        repo.bisect("nobody", lambda _: True, good=1)
