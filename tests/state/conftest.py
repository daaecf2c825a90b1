from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from aivcs.repo import init, open_repo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aivcs.repo import Repo
    from aivcs.testing.state_store import OpenWith, Watch


@pytest.fixture
def in_memory() -> Iterator[OpenWith]:
    with ExitStack() as stack:
        yield lambda clock: stack.enter_context(open_repo("memory:", clock=clock))


@pytest.fixture
def on_disk(tmp_path: Path) -> Iterator[OpenWith]:
    with ExitStack() as stack:

        def opened(clock: Watch) -> Repo:
            return stack.enter_context(init(tmp_path, clock=clock))

        yield opened
