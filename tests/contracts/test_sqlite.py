from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.sqlite import SqliteLedger
from aivcs.repo import init, now, open_repo
from aivcs.testing.concurrency import ProcessesContract, ThreadsContract
from aivcs.testing.crash import CrashContract, KillContract
from aivcs.testing.ledger import LedgerContract
from aivcs.testing.ledger_needs import LedgerNeedsContract
from aivcs.testing.ledger_objects import LedgerObjectsContract
from aivcs.testing.live import LiveRunContract
from aivcs.testing.releases import ReleaseRegistryContract
from aivcs.testing.runs import RunLedgerContract

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aivcs.ports import Clock, Ledger
    from aivcs.repo import Repo
    from aivcs.testing.subject import OpenRepo


class OnDisk:
    reopens = True
    durability: str | None = "group"

    @pytest.fixture
    def open_repo(self, tmp_path: Path) -> OpenRepo:
        init(tmp_path).close()

        def again(*, clock: Clock | None = None) -> Repo:
            return open_repo(tmp_path, self.durability, clock=clock or now)

        return again

    @pytest.fixture
    def place(self, open_repo: OpenRepo, tmp_path: Path) -> str:
        open_repo().close()
        return str(tmp_path)


class TestRuns(OnDisk, RunLedgerContract):
    pass


class TestReleases(OnDisk, ReleaseRegistryContract):
    pass


class TestLiveRuns(OnDisk, LiveRunContract):
    pass


class TestLedger(LedgerContract):
    @pytest.fixture
    def ledger(self, tmp_path: Path) -> Iterator[Ledger]:
        ledger = SqliteLedger(tmp_path / "aivcs.db", create=True)
        yield ledger
        ledger.close()


class TestLedgerObjects(LedgerObjectsContract):
    @pytest.fixture
    def ledger(self, tmp_path: Path) -> Iterator[Ledger]:
        ledger = SqliteLedger(tmp_path / "aivcs.db", create=True)
        yield ledger
        ledger.close()


class TestLedgerNeeds(LedgerNeedsContract):
    @pytest.fixture
    def ledger(self, tmp_path: Path) -> Iterator[Ledger]:
        ledger = SqliteLedger(tmp_path / "aivcs.db", create=True)
        yield ledger
        ledger.close()


class TestThreads(OnDisk, ThreadsContract):
    pass


class TestProcesses(OnDisk, ProcessesContract):
    pass


class TestCrashes(OnDisk, CrashContract):
    pass


class TestKills(OnDisk, KillContract):
    pass


class TestSyncRuns(OnDisk, RunLedgerContract):
    durability = "sync"


class TestSyncLiveRuns(OnDisk, LiveRunContract):
    durability = "sync"
    buffers = False


class TestSyncProcesses(OnDisk, ProcessesContract):
    durability = "sync"


class TestOsLiveRuns(OnDisk, LiveRunContract):
    durability = "os"
    buffers = False


class TestOsProcesses(OnDisk, ProcessesContract):
    durability = "os"
