from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.sqlite import SqliteLedger
from aivcs.repo import init, now, open_repo
from aivcs.testing.concurrency import ProcessesContract, ThreadsContract
from aivcs.testing.crash import CrashContract, KillContract
from aivcs.testing.event_store import EventStoreContract
from aivcs.testing.event_store_moves import EventStoreMovesContract
from aivcs.testing.evidence import EvidenceContract
from aivcs.testing.ledger import LedgerContract
from aivcs.testing.ledger_groups import LedgerGroupsContract
from aivcs.testing.ledger_keys import LedgerKeysContract
from aivcs.testing.ledger_leases import LedgerLeasesContract
from aivcs.testing.ledger_needs import LedgerNeedsContract
from aivcs.testing.ledger_objects import LedgerObjectsContract
from aivcs.testing.ledger_order import LedgerOrderContract
from aivcs.testing.ledger_states import LedgerStatesContract
from aivcs.testing.ledger_trees import LedgerErasingContract, LedgerTreesContract
from aivcs.testing.live import LiveRunContract
from aivcs.testing.owning import ReapingContract
from aivcs.testing.purging import PurgingContract
from aivcs.testing.release_gates import ReleaseGatesContract
from aivcs.testing.release_marks import ReleaseMarksContract
from aivcs.testing.releases import ReleaseRegistryContract
from aivcs.testing.replaying import ReplayContract
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


class TestOwning(OnDisk, ReapingContract):
    pass


class TestPurging(OnDisk, PurgingContract):
    pass


class TestEvidence(OnDisk, EvidenceContract):
    pass


class TestReleases(OnDisk, ReleaseRegistryContract):
    pass


class TestReleaseGates(OnDisk, ReleaseGatesContract):
    pass


class TestReleaseMarks(OnDisk, ReleaseMarksContract):
    pass


class TestLiveRuns(OnDisk, LiveRunContract):
    pass


class Ledgers:
    @pytest.fixture
    def ledger(self, tmp_path: Path) -> Iterator[Ledger]:
        ledger = SqliteLedger(tmp_path / "aivcs.db", create=True)
        yield ledger
        ledger.close()


class TestLedger(Ledgers, LedgerContract):
    pass


class TestLedgerObjects(Ledgers, LedgerObjectsContract):
    pass


class TestLedgerNeeds(Ledgers, LedgerNeedsContract):
    pass


class TestLedgerStates(Ledgers, LedgerStatesContract):
    pass


class TestLedgerKeys(Ledgers, LedgerKeysContract):
    pass


class TestLedgerGroups(Ledgers, LedgerGroupsContract):
    pass


class TestLedgerOrder(Ledgers, LedgerOrderContract):
    pass


class TestLedgerTrees(Ledgers, LedgerTreesContract):
    pass


class TestLedgerErasing(Ledgers, LedgerErasingContract):
    pass


class TestLedgerLeases(Ledgers, LedgerLeasesContract):
    pass


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


class TestEvents(OnDisk, EventStoreContract):
    pass


class TestReplays(OnDisk, ReplayContract):
    pass


class TestEventMoves(OnDisk, EventStoreMovesContract):
    pass
