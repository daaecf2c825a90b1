from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from aivcs.adapters.memory_blobs import MemoryBlobs
from aivcs.adapters.memory_ledger import MemoryLedger
from aivcs.adapters.postgres import PostgresLedger, Server
from aivcs.repo import Repo, init
from aivcs.testing.event_store_machine import EventStoreMachine
from aivcs.testing.ledger_machine import LedgerMachine
from aivcs.testing.machine import AgreementMachine

if TYPE_CHECKING:
    from aivcs.ports import Clock, Ids, Ledger
    from aivcs.testing.event_store_machine import Opener as EventsOpener
    from aivcs.testing.machine import Opener
    from tests.postgres.server import PostgresServer

QUICK = settings(
    max_examples=15,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


class Lasting(MemoryLedger):
    """In memory, and still there when it is opened again."""

    def close(self) -> None:
        pass


class LastingBlobs(MemoryBlobs):
    """Alike."""

    def close(self) -> None:
        pass


@pytest.mark.slow
def test_repositories_agree(postgres: PostgresServer) -> None:
    class MemoryAndPostgres(AgreementMachine):
        def openers(self) -> list[Opener]:
            ledger, blobs = Lasting(), LastingBlobs()
            self._folder = Path(tempfile.mkdtemp(prefix="aivcs-agreement-"))
            self._database = postgres.new_database(empty=True)
            url = postgres.url(self._database)

            def memory(clock: Clock, ids: Ids) -> Repo:
                return Repo(ledger, blobs, clock=clock, ids=ids, salts=bytes)

            def server(clock: Clock, ids: Ids) -> Repo:
                return init(self._folder, ledger=url, clock=clock, ids=ids, salts=bytes)

            return [memory, server]

        def teardown(self) -> None:
            try:
                super().teardown()
            finally:
                shutil.rmtree(self._folder)
                postgres.drop_database(self._database)

    run_state_machine_as_test(MemoryAndPostgres, settings=QUICK)


@pytest.mark.slow
def test_executions_agree(postgres: PostgresServer) -> None:
    class MemoryAndPostgres(EventStoreMachine):
        def openers(self) -> list[EventsOpener]:
            ledger, blobs = Lasting(), LastingBlobs()
            self._folder = Path(tempfile.mkdtemp(prefix="aivcs-events-"))
            self._database = postgres.new_database(empty=True)
            url = postgres.url(self._database)

            def memory(clock: Clock) -> Repo:
                return Repo(ledger, blobs, clock=clock)

            def server(clock: Clock) -> Repo:
                return init(self._folder, ledger=url, clock=clock)

            return [memory, server]

        def teardown(self) -> None:
            try:
                super().teardown()
            finally:
                shutil.rmtree(self._folder)
                postgres.drop_database(self._database)

    run_state_machine_as_test(MemoryAndPostgres, settings=QUICK)


def test_ledgers_agree(postgres: PostgresServer) -> None:
    class MemoryAndPostgres(LedgerMachine):
        def ledgers(self) -> list[Ledger]:
            self._database = postgres.new_database()
            return [MemoryLedger(), PostgresLedger(Server(postgres.url(self._database)))]

        def teardown(self) -> None:
            try:
                super().teardown()
            finally:
                postgres.drop_database(self._database)

    run_state_machine_as_test(MemoryAndPostgres, settings=QUICK)
