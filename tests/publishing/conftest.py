from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aivcs.domain.note import Signer
from aivcs.repo import init
from aivcs.testing.subject import add_spec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aivcs.repo import Repo

ORIGIN = "example.com/agents"
KEY = Signer(ORIGIN, bytes(range(32)))
OTHER = Signer(ORIGIN, bytes(32))


@pytest.fixture(autouse=True)
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test a folder of keys of its own; return where it will be."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("AIVCS_KEY", raising=False)
    return tmp_path / "data" / "aivcs" / "keys"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return the folder of an empty repository with one spec."""
    folder = tmp_path / "repository"
    with init(folder) as repo:
        add_spec(repo)
    return folder


@pytest.fixture
def repo(place: Path) -> Iterator[Repo]:
    """Return it opened."""
    with init(place) as found:
        yield found
