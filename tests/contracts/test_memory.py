from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.memory_ledger import MemoryLedger
from aivcs.repo import now, open_repo
from aivcs.testing.concurrency import ThreadsContract
from aivcs.testing.crash import CrashContract
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


class TestOwning(InMemory, ReapingContract):
    pass


class TestPurging(InMemory, PurgingContract):
    pass


class TestEvidence(InMemory, EvidenceContract):
    pass


class TestReleases(InMemory, ReleaseRegistryContract):
    pass


class TestReleaseGates(InMemory, ReleaseGatesContract):
    pass


class TestReleaseMarks(InMemory, ReleaseMarksContract):
    pass


class TestLiveRuns(InMemory, LiveRunContract):
    pass


class Ledgers:
    @pytest.fixture
    def ledger(self) -> Ledger:
        return MemoryLedger()


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


class TestThreads(InMemory, ThreadsContract):
    pass


class TestCrashes(InMemory, CrashContract):
    pass


class TestEvents(InMemory, EventStoreContract):
    pass


class TestReplays(InMemory, ReplayContract):
    pass


class TestEventMoves(InMemory, EventStoreMovesContract):
    pass
