from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aivcs.repo import init, now, open_repo
from aivcs.testing.collecting_crash import CollectingCrashContract
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

    from aivcs.ports import Clock
    from aivcs.repo import Repo
    from aivcs.testing.subject import OpenRepo
    from tests.postgres.server import PostgresServer


class OnServer:
    reopens = True
    durability: str | None = "group"

    @pytest.fixture
    def open_repo(self, postgres: PostgresServer, tmp_path: Path) -> Iterator[OpenRepo]:
        database = postgres.new_database(empty=True)
        init(tmp_path, ledger=postgres.url(database)).close()

        def again(*, clock: Clock | None = None) -> Repo:
            return open_repo(tmp_path, self.durability, clock=clock or now)

        yield again
        postgres.drop_database(database)

    @pytest.fixture
    def place(self, open_repo: OpenRepo, tmp_path: Path) -> str:
        open_repo().close()
        return str(tmp_path)


class TestLedger(LedgerContract):
    pass


class TestLedgerObjects(LedgerObjectsContract):
    pass


class TestLedgerNeeds(LedgerNeedsContract):
    pass


class TestLedgerStates(LedgerStatesContract):
    pass


class TestLedgerKeys(LedgerKeysContract):
    pass


class TestLedgerGroups(LedgerGroupsContract):
    pass


class TestLedgerOrder(LedgerOrderContract):
    pass


class TestLedgerTrees(LedgerTreesContract):
    pass


class TestLedgerErasing(LedgerErasingContract):
    pass


class TestLedgerLeases(LedgerLeasesContract):
    pass


class TestRuns(OnServer, RunLedgerContract):
    pass


class TestEvents(OnServer, EventStoreContract):
    pass


class TestEventMoves(OnServer, EventStoreMovesContract):
    pass


class TestReplays(OnServer, ReplayContract):
    pass


class TestEvidence(OnServer, EvidenceContract):
    pass


class TestReleases(OnServer, ReleaseRegistryContract):
    pass


class TestReleaseGates(OnServer, ReleaseGatesContract):
    pass


class TestReleaseMarks(OnServer, ReleaseMarksContract):
    examples = 5  # each takes many transactions of a server


class TestLiveRuns(OnServer, LiveRunContract):
    pass


class TestOwning(OnServer, ReapingContract):
    pass


class TestPurging(OnServer, PurgingContract):
    pass


class TestThreads(OnServer, ThreadsContract):
    pass


class TestProcesses(OnServer, ProcessesContract):
    pass


class TestCrashes(OnServer, CrashContract):
    every = 4  # half a second each; the other ledgers try all


class TestCollectingCrashes(OnServer, CollectingCrashContract):
    every = 2  # a second each; the other ledgers try all, before and after


class TestKills(OnServer, KillContract):
    test_killed_at_very_many_random_instants = None  # type: ignore[assignment]
