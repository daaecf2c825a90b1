from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.memory_ledger import MemoryLedger
from aivcs.repo import now, open_repo
from aivcs.testing.concurrency import ThreadsContract
from aivcs.testing.crash import CrashContract
from aivcs.testing.ledger import LedgerContract
from aivcs.testing.ledger_needs import LedgerNeedsContract
from aivcs.testing.ledger_objects import LedgerObjectsContract
from aivcs.testing.live import LiveRunContract
from aivcs.testing.releases import ReleaseRegistryContract
from aivcs.testing.runs import RunLedgerContract

if TYPE_CHECKING:
    from aivcs.ports import Clock, Ledger
    from aivcs.repo import Repo
    from aivcs.testing.subject import OpenRepo


class InMemory:
    @pytest.fixture
    def open_repo(self) -> OpenRepo:
        def new(*, clock: Clock | None = None) -> Repo:
            return open_repo("memory:", clock=clock or now)

        return new


class TestRuns(InMemory, RunLedgerContract):
    pass


class TestReleases(InMemory, ReleaseRegistryContract):
    pass


class TestLiveRuns(InMemory, LiveRunContract):
    pass


class TestLedger(LedgerContract):
    @pytest.fixture
    def ledger(self) -> Ledger:
        return MemoryLedger()


class TestLedgerObjects(LedgerObjectsContract):
    @pytest.fixture
    def ledger(self) -> Ledger:
        return MemoryLedger()


class TestLedgerNeeds(LedgerNeedsContract):
    @pytest.fixture
    def ledger(self) -> Ledger:
        return MemoryLedger()


class TestThreads(InMemory, ThreadsContract):
    pass


class TestCrashes(InMemory, CrashContract):
    pass
