from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aivcs.repo import MEMORY, init, now, open_repo
from aivcs.testing.collecting import CollectingContract
from aivcs.testing.collecting_crash import CollectingCrashContract
from aivcs.testing.collecting_crew import CollectingCrewContract
from aivcs.testing.keeping import ExplainingContract, RemovingContract, RetentionContract

if TYPE_CHECKING:
    from pathlib import Path

    from aivcs.ports import Clock
    from aivcs.repo import Repo
    from aivcs.testing.subject import OpenRepo


class OnDisk:
    reopens = True

    @pytest.fixture
    def open_repo(self, tmp_path: Path) -> OpenRepo:
        init(tmp_path).close()

        def again(*, clock: Clock | None = None) -> Repo:
            return open_repo(tmp_path, clock=clock or now)

        return again

    @pytest.fixture
    def place(self, open_repo: OpenRepo, tmp_path: Path) -> str:
        open_repo().close()
        return str(tmp_path)


class InMemory:
    @pytest.fixture
    def open_repo(self) -> OpenRepo:
        def new(*, clock: Clock | None = None) -> Repo:
            return open_repo(MEMORY, clock=clock or now)

        return new


class TestCollectingOnDisk(OnDisk, CollectingContract):
    pass


class TestRetentionOnDisk(OnDisk, RetentionContract):
    pass


class TestRetentionInMemory(InMemory, RetentionContract):
    pass


class TestExplainingOnDisk(OnDisk, ExplainingContract):
    pass


class TestExplainingInMemory(InMemory, ExplainingContract):
    pass


class TestRemovingOnDisk(OnDisk, RemovingContract):
    pass


class TestRemovingInMemory(InMemory, RemovingContract):
    pass


class TestCrashesOnDisk(OnDisk, CollectingCrashContract):
    pass


class TestCrashesInMemory(InMemory, CollectingCrashContract):
    pass


class TestCrews(OnDisk, CollectingCrewContract):
    pass


class TestCollectingInMemory(InMemory, CollectingContract):
    pass
