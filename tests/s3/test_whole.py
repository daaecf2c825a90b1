"""Whole repositories whose objects are in a bucket: dying, killed, used by many processes."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from aivcs.repo import init, now, open_repo
from aivcs.testing.concurrency import ProcessesContract
from aivcs.testing.crash import CrashContract, KillContract

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aivcs.ports import Clock
    from aivcs.repo import Repo
    from aivcs.testing.subject import OpenRepo
    from tests.s3.server import Server


pytestmark = pytest.mark.slow


class InABucket:
    reopens = True

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def environment(cls, server: Server) -> Iterator[None]:
        """Set the keys before any process is started that will need them."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in server.environment().items():
                patch.setenv(name, value)
            yield

    @pytest.fixture
    def open_repo(self, tmp_path: Path, url: str) -> OpenRepo:
        init(tmp_path / "repo", objects=url).close()

        def again(*, clock: Clock | None = None) -> Repo:
            return open_repo(tmp_path / "repo", clock=clock or now)

        return again

    @pytest.fixture
    def place(self, open_repo: OpenRepo, tmp_path: Path) -> str:
        open_repo().close()
        return str(tmp_path / "repo")


class TestCrashes(InABucket, CrashContract):
    pass


class TestKills(InABucket, KillContract):
    def test_killed_at_very_many_random_instants(self, repo: Repo, place: str) -> None:
        """A few: each checks a whole bucket over the network."""
        for _ in range(5):
            self.kill(repo, place, random.expovariate(1 / 0.2))


class TestProcesses(InABucket, ProcessesContract):
    pass
