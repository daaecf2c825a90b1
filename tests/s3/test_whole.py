"""Whole repositories whose objects are in a bucket: dying, killed, used by many processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aivcs.repo import init, now, open_repo
from aivcs.testing.concurrency import ProcessesContract
from aivcs.testing.crash import CrashContract, KillContract

if TYPE_CHECKING:
    from pathlib import Path

    from aivcs.ports import Clock
    from aivcs.repo import Repo
    from aivcs.testing.subject import OpenRepo
    from tests.s3.server import Server


class InABucket:
    reopens = True

    @pytest.fixture
    def open_repo(
        self, tmp_path: Path, server: Server, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> OpenRepo:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
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
    pass


class TestProcesses(InABucket, ProcessesContract):
    pass
