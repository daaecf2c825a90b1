"""The state store beside its model, in memory and in a file that gets lost."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule

from aivcs.repo import init, open_repo
from aivcs.testing.state_machine import StateMachine

if TYPE_CHECKING:
    from aivcs.repo import Repo
    from aivcs.testing.state_store import Watch


class InMemory(StateMachine):
    def opened(self, clock: Watch) -> Repo:
        return open_repo("memory:", clock=clock)


class OnDisk(StateMachine):
    def opened(self, clock: Watch) -> Repo:
        self.folder = Path(tempfile.mkdtemp())
        return init(self.folder, clock=clock)

    @rule()
    def reopen(self) -> None:
        self.repo.close()
        self.repo = open_repo(self.folder, clock=self.watch)

    @rule(how=st.sampled_from(["delete", "empty", "garbage"]))
    def lose(self, how: str) -> None:
        path = self.folder / ".aivcs" / "cache.db"
        if path.exists():
            if how == "delete":
                path.unlink()
            elif how == "empty":
                os.truncate(path, 0)
            else:
                path.write_bytes(b"garbage" * 2000)
            self.lost()

    def teardown(self) -> None:
        super().teardown()
        shutil.rmtree(self.folder)


SETTINGS = settings(
    max_examples=40,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestInMemory = InMemory.TestCase
TestInMemory.settings = SETTINGS
TestOnDisk = OnDisk.TestCase
TestOnDisk.settings = SETTINGS
