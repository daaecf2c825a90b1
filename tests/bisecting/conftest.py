from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aivcs.domain.release import ReleaseMetadata
from aivcs.repo import open_repo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from aivcs.repo import Repo

    Release = Callable[[Mapping[str, str]], int]


@pytest.fixture
def repo() -> Iterator[Repo]:
    with open_repo("memory:") as repo:
        yield repo


@pytest.fixture
def release(repo: Repo) -> Release:
    """Promote a spec that has one file a component, with the text given for it."""

    def promote(texts: Mapping[str, str]) -> int:
        components = {part: {f"{part}.txt": text} for part, text in texts.items()}
        spec = repo.specs.add({"name": "helper", "components": components})
        return repo.releases.promote("helper", spec, ReleaseMetadata(promoted_by="ada")).seq

    return promote
