"""A bisection that was interrupted goes on where it was; its answers are kept one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from aivcs.domain.bisect import BisectTerms
from aivcs.domain.events import RunEvent
from aivcs.domain.run import RunStatus
from aivcs.errors import SequenceConflict
from tests.bisecting.hunting import dice

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aivcs.domain.digest import Digest
    from aivcs.repo import Repo

    Release = Callable[[Mapping[str, str]], int]


class Power(Exception):
    """The power goes off."""


class Check:
    """Says bad from number 12 on, wrong at a rate; loses power before one of its answers."""

    def __init__(self, repo: Repo, rate: float = 0.0) -> None:
        self.asked: list[Digest] = []
        self.left = -1
        self._repo = repo
        self._rate = rate
        self._dice = dice(4)

    def __call__(self, digest: Digest) -> bool:
        if self.left == 0:
            raise Power
        self.left -= 1
        self.asked.append(digest)
        good = int(self._repo.specs.read(digest, "prompts", "prompts.txt")) < 12
        return good != (self._dice.random() < self._rate)


@pytest.fixture
def released(repo: Repo, release: Release) -> Repo:
    for number in range(20):
        release({"prompts": str(number), "tools": str(number // 2), "env": str(number // 3)})
    return repo


def running(repo: Repo) -> list[str]:
    return [str(run.run_id) for run in repo.runs.list_runs(status=RunStatus.RUNNING)]


@pytest.mark.parametrize("rate", [0.0, 0.2])
def test_killed_after_each_answer_it_ends_as_if_it_had_not_been(
    released: Repo, rate: float
) -> None:
    terms = BisectTerms(flaky=rate)
    whole = released.bisect("helper", Check(released, rate), good=1, terms=terms)
    check = Check(released, rate)
    for answered in range(len(whole.evaluations)):
        check.left = 1
        with pytest.raises(Power):
            released.bisect("helper", check, good=1, terms=terms)
        assert len(check.asked) == answered + 1
        assert len(running(released)) == 1
        if answered == len(whole.evaluations) - 2:
            break
    check.left = -1
    found = released.bisect("helper", check, good=1, terms=terms)
    assert found.run_id != whole.run_id
    assert running(released) == []
    assert len(check.asked) == len(found.evaluations) == len(whole.evaluations)
    assert [one.subject for one in found.evaluations] == [one.subject for one in whole.evaluations]
    assert (found.first_bad, found.components) == (whole.first_bad, whole.components)


def test_before_the_first_answer_there_is_no_run(released: Repo) -> None:
    check = Check(released)
    check.left = 0
    with pytest.raises(Power):
        released.bisect("helper", check, good=1)
    assert released.runs.list_runs() == []


@pytest.mark.parametrize(
    "other",
    [
        {"good": 2},
        {"bad": 19},
        {"terms": BisectTerms(flaky=0.1)},
        {"terms": BisectTerms(components=False)},
        {"check": lambda _: True},
    ],
)
def test_another_question_is_another_bisection(released: Repo, other: dict[str, Any]) -> None:
    check = Check(released)
    check.left = 2
    with pytest.raises(Power):
        released.bisect("helper", check, good=1)
    (left,) = running(released)
    check.left = -1
    asked = {"check": check, "good": 1, **other}
    found = released.bisect("helper", asked.pop("check"), **asked)
    assert found.run_id != left
    assert running(released) == [left]


def test_begun_anew_it_forgets(released: Repo) -> None:
    check = Check(released)
    check.left = 3
    with pytest.raises(Power):
        released.bisect("helper", check, good=1)
    (left,) = running(released)
    again = Check(released)
    found = released.bisect("helper", again, good=1, restart=True)
    assert again.asked[:3] == check.asked
    assert found.run_id != left
    run = released.runs.get_run(left)
    assert (run.status, run.reason) == ("CANCELLED", "the bisection was begun anew")


def test_of_two_that_go_on_with_one_bisection_one_is_told(released: Repo) -> None:
    check = Check(released)
    check.left = 2
    with pytest.raises(Power):
        released.bisect("helper", check, good=1)
    (left,) = running(released)
    check.left = -1

    def meanwhile(digest: Digest) -> bool:
        released.runs.append_event(left, RunEvent(None, "noted", {"by": "the other"}))
        return check(digest)

    meanwhile.__qualname__ = "Check"
    with pytest.raises(SequenceConflict, match=f"another process .* {left}") as caught:
        released.bisect("helper", meanwhile, good=1)
    assert "--restart" in str(caught.value.hint)


def test_an_ended_bisection_is_held_again(released: Repo) -> None:
    first = released.bisect("helper", Check(released), good=1)
    again = Check(released)
    second = released.bisect("helper", again, good=1)
    assert second.run_id != first.run_id
    assert len(again.asked) == len(first.evaluations)


@pytest.mark.parametrize(
    "spoiled",
    [
        {"answer": "maybe"},
        {"spec_digest": "no digest"},
        {"components": None},
        None,
        "text",
    ],
)
def test_a_run_that_somebody_else_tagged_is_not_gone_on_with(released: Repo, spoiled: Any) -> None:
    check = Check(released)
    check.left = 1
    with pytest.raises(Power):
        released.bisect("helper", check, good=1)
    (mine,) = released.runs.list_runs(status=RunStatus.RUNNING)
    begun, answer = released.runs.get_events(mine.run_id)
    said: Any = answer.payload
    payload = {**said, **spoiled} if isinstance(spoiled, dict) else spoiled
    assert mine.spec_digest is not None
    for first in (begun.payload, {"name": "helper"}):
        theirs = released.runs.create_run(mine.spec_digest, mine.metadata)
        released.runs.append_event(theirs, RunEvent(1, begun.kind, first))
        released.runs.append_event(theirs, RunEvent(2, answer.kind, payload))
    check.left = -1
    found = released.bisect("helper", check, good=1)
    assert (found.run_id, found.first_bad and found.first_bad.seq) == (str(mine.run_id), 13)
    assert found.evaluations[0].subject.spec_digest == check.asked[0]
    assert len(set(check.asked)) == len(check.asked)


def test_killed_before_its_first_answer_it_goes_on(
    released: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = Check(released)
    append = type(released.runs).append_event

    def die(runs: Any, run_id: Any, event: RunEvent) -> Any:
        if event.kind == "bisect_evaluated":
            raise Power
        return append(runs, run_id, event)

    with monkeypatch.context() as patched:
        patched.setattr(type(released.runs), "append_event", die)
        with pytest.raises(Power):
            released.bisect("helper", check, good=1)
    (mine,) = running(released)
    assert released.bisect("helper", check, good=1).run_id == mine
