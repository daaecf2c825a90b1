"""Where many are asked for, one alone is refused and nothing is done."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import aivcs
from aivcs.domain.digest import Digest
from aivcs.domain.release import ReleaseMetadata
from aivcs.domain.several import several
from aivcs.errors import InvalidInputError
from aivcs.testing.subject import add_spec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aivcs.repo import Repo

STORED = Digest.of(b"stored")


@pytest.fixture
def repo() -> Iterator[Repo]:
    with aivcs.open("memory:") as repo:
        repo.objects.put(b"stored")
        yield repo


def promote(repo: Repo, require: Any) -> object:
    spec = add_spec(repo)
    return repo.releases.promote("bot", spec, ReleaseMetadata(promoted_by="ada"), require=require)


def run(repo: Repo) -> str:
    with repo.run(spec=add_spec(repo), agent="bot") as live:
        live.event("tool_called", {"tool_name": "search"})
    return live.run_id


CALLS: dict[str, Callable[[Repo, Any], object]] = {
    "pin": lambda repo, one: repo.objects.pin(one),
    "unpin": lambda repo, one: repo.objects.unpin(one),
    "get_many": lambda repo, one: repo.objects.get_many(one),
    "stat_many": lambda repo, one: repo.objects.stat_many(one),
    "sizes": lambda repo, one: repo.objects.sizes(one),
    "put_many": lambda repo, one: repo.objects.put_many(one),
    "put_files": lambda repo, one: repo.put_files(one),
    "repair": lambda repo, one: repo.repair(one),
    "promote": promote,
    "iter_events": lambda repo, one: repo.runs.iter_events(run(repo), kinds=one),
    "watch": lambda repo, one: list(repo.watch(run(repo), kinds=one)),
    "diff_runs": lambda repo, one: repo.diff_runs(run(repo), run(repo), pointers=one),
}


@pytest.mark.parametrize(
    "one", [str(STORED), STORED, b"bytes", memoryview(b"bytes"), Path("/a"), io.BytesIO(b"a\nb")]
)
@pytest.mark.parametrize("call", CALLS)
def test_one_alone_is_refused(repo: Repo, call: str, one: object) -> None:
    with pytest.raises(InvalidInputError, match=f"not one {type(one).__name__}") as raised:
        CALLS[call](repo, one)
    assert raised.value.hint == "give a list, of one as well"
    assert repo.objects.contains(STORED)
    assert not repo.objects.ledger.references(STORED)


@pytest.mark.parametrize("one", [None, 5, object()])
@pytest.mark.parametrize("call", [one for one in CALLS if one != "diff_runs"])
def test_what_cannot_be_gone_through_is_refused(repo: Repo, call: str, one: object) -> None:
    name = "None" if one is None else type(one).__name__
    with pytest.raises(InvalidInputError, match=f"are asked for, not {name}"):
        CALLS[call](repo, one)


@pytest.mark.parametrize("many", [[], [STORED], (str(STORED),), {STORED: 1}, iter([b"x"])])
def test_many_stay_as_they_are(many: Any) -> None:
    assert several(many, "digests") is many
