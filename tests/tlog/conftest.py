from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from tests.tlog.go import HINT, Go, installed

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def go(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Go]:
    if not installed():
        pytest.skip(f"there is no Go with its packages for logs: {HINT}")
    with Go(tmp_path_factory.mktemp("go")) as running:
        yield running


@pytest.fixture(scope="session")
def aics() -> Any:
    """Return the foreign verifier that is written in Python."""
    try:
        return import_module("aics_tlog")
    except ImportError:
        pytest.skip("there is no aics_tlog: requirements/foreign.txt")
