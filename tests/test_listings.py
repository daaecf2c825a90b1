"""What pages through things takes whole numbers, and refuses all else as bad input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from aivcs.domain.release import ReleaseMetadata
from aivcs.errors import InvalidInputError
from aivcs.repo import init, open_repo
from aivcs.testing.subject import add_spec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from aivcs.repo import Repo


@pytest.fixture(params=["memory", "file"])
def repo(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Repo]:
    with open_repo("memory:") if request.param == "memory" else init(tmp_path) as repo:
        spec = add_spec(repo)
        repo.releases.promote("bot", spec, ReleaseMetadata(promoted_by="ada"))
        with repo.run(spec=spec, agent="bot") as live:
            live.event("note", {"text": "one"})
        yield repo


def run(repo: Repo) -> str:
    (found,) = repo.runs.list_runs()
    return found.run_id


LIMITS: dict[str, Callable[[Repo, Any], list[Any]]] = {
    "objects": lambda repo, number: repo.objects.list(limit=number),
    "runs": lambda repo, number: repo.runs.list_runs(limit=number),
    "events": lambda repo, number: list(repo.runs.iter_events(run(repo), limit=number)),
    "executions": lambda repo, number: repo.events.list_executions("t", number),
    "releases": lambda repo, number: list(repo.releases.iter_history("bot", limit=number)),
    "evidence": lambda repo, number: repo.evidence.list(limit=number),
}
AFTERS: dict[str, Callable[[Repo, Any], list[Any]]] = {
    "events": lambda repo, number: list(repo.runs.iter_events(run(repo), after=number)),
    "watch": lambda repo, number: list(repo.watch(run(repo), number)),
    "releases": lambda repo, number: list(repo.releases.iter_history("bot", after=number)),
}


@pytest.mark.parametrize("number", [2.5, "2", b"2", True, [2], float("nan")])
@pytest.mark.parametrize("call", LIMITS)
def test_a_limit_is_a_whole_number(repo: Repo, call: str, number: object) -> None:
    with pytest.raises(InvalidInputError, match="limit is a whole number"):
        LIMITS[call](repo, number)


@pytest.mark.parametrize("number", [2.5, "2", None, True])
@pytest.mark.parametrize("call", AFTERS)
def test_a_place_is_a_whole_number(repo: Repo, call: str, number: object) -> None:
    with pytest.raises(InvalidInputError, match="after is a whole number"):
        AFTERS[call](repo, number)


@pytest.mark.parametrize("call", LIMITS)
def test_numbers_beyond_all_counts(repo: Repo, call: str) -> None:
    assert len(LIMITS[call](repo, 2**70)) == len(LIMITS[call](repo, 1000))
    assert LIMITS[call](repo, 0) == []
    if call != "objects":
        for number in (-1, -(10**5000)):
            with pytest.raises(InvalidInputError, match="limit is a whole number from 0, not"):
                LIMITS[call](repo, number)


@pytest.mark.parametrize("call", AFTERS)
def test_places_beyond_all_counts(repo: Repo, call: str) -> None:
    assert AFTERS[call](repo, 2**70) == []
    assert AFTERS[call](repo, -(2**70)) == AFTERS[call](repo, 0) != []


def test_an_agent_is_a_text(repo: Repo) -> None:
    agent: Any = ["bot"]
    with pytest.raises(InvalidInputError, match="agent is not a text"):
        repo.runs.list_runs(agent=agent)
    assert len(repo.runs.list_runs(agent="bot")) == 1
