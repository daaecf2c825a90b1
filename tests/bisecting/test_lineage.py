"""Bisected are the distinct specs of the lineage, and nothing that was rolled back from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aivcs.domain.bisect_lineage import between
from aivcs.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aivcs.repo import Repo

    Release = Callable[[Mapping[str, str]], int]


def seqs(repo: Repo, good: int, bad: int) -> list[int]:
    entry = repo.releases.entry
    found = between(
        repo.releases.iter_history("helper"), entry("helper", good), entry("helper", bad)
    )
    for candidate in found:
        assert entry("helper", candidate.seq).spec_digest == candidate.spec_digest
    assert len({candidate.spec_digest for candidate in found}) == len(found)
    return [candidate.seq for candidate in found]


def test_a_straight_line_is_all_of_it(repo: Repo, release: Release) -> None:
    for text in "abcde":
        release({"prompts": text})
    assert seqs(repo, 1, 5) == [1, 2, 3, 4, 5]
    assert seqs(repo, 2, 4) == [2, 3, 4]
    assert seqs(repo, 4, 5) == [4, 5]


def test_what_was_rolled_back_from_is_left_out(repo: Repo, release: Release) -> None:
    for text in "abc":
        release({"prompts": text})
    repo.releases.rollback("helper", actor="ada")
    release({"prompts": "d"})
    assert seqs(repo, 1, 5) == [1, 4, 5]
    with pytest.raises(InvalidInputError, match="helper@3 is not in the lineage of helper@5"):
        seqs(repo, 3, 5)


def test_a_good_release_is_found_where_a_rollback_restored_it(repo: Repo, release: Release) -> None:
    for text in "abc":
        release({"prompts": text})
    repo.releases.rollback("helper", actor="ada")
    release({"prompts": "d"})
    assert seqs(repo, 2, 5) == [2, 5]


def test_a_spec_counts_once_where_it_came_first(repo: Repo, release: Release) -> None:
    for text in "abcbd":
        release({"prompts": text})
    assert seqs(repo, 1, 5) == [1, 2, 3, 5]
    for text in "be":
        release({"prompts": text})
    assert seqs(repo, 1, 6) == [1, 2]
    assert seqs(repo, 2, 7) == [2, 7]


def test_an_entry_that_restates_the_one_before_stands_for_it(repo: Repo, release: Release) -> None:
    for text in "abc":
        release({"prompts": text})
    repo.releases.rollback("helper", actor="ada", to=2)
    repo.releases.rollback("helper", actor="ada", to=2)
    release({"prompts": "d"})
    assert seqs(repo, 1, 6) == [1, 4, 6]
    assert seqs(repo, 1, 5) == [1, 4]


def test_the_two_ends_differ(repo: Repo, release: Release) -> None:
    release({"prompts": "a"})
    release({"prompts": "a"})
    with pytest.raises(InvalidInputError, match="helper@1 and helper@2 have the same spec"):
        seqs(repo, 1, 2)


def test_the_good_one_comes_first(repo: Repo, release: Release) -> None:
    release({"prompts": "a"})
    release({"prompts": "b"})
    with pytest.raises(InvalidInputError, match="not in the lineage") as caught:
        seqs(repo, 2, 1)
    assert "helper@1~1" in str(caught.value.hint)
