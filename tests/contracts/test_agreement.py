from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import settings

from aivcs.adapters.memory_blobs import MemoryBlobs
from aivcs.adapters.memory_ledger import MemoryLedger
from aivcs.repo import Repo, init
from aivcs.testing.event_store_machine import EventStoreMachine
from aivcs.testing.machine import AgreementMachine

if TYPE_CHECKING:
    from aivcs.ports import Clock, Ids
    from aivcs.testing.event_store_machine import Opener as EventsOpener
    from aivcs.testing.machine import Opener


class Lasting(MemoryLedger):
    """In memory, and still there when it is opened again."""

    def close(self) -> None:
        pass


class LastingBlobs(MemoryBlobs):
    """Alike."""

    def close(self) -> None:
        pass


class MemoryAndSqliteEvents(EventStoreMachine):
    def openers(self) -> list[EventsOpener]:
        ledger, blobs = Lasting(), LastingBlobs()
        self._folder = Path(tempfile.mkdtemp(prefix="aivcs-events-"))

        def memory(clock: Clock) -> Repo:
            return Repo(ledger, blobs, clock=clock)

        def sqlite(clock: Clock) -> Repo:
            return init(self._folder, clock=clock)

        return [memory, sqlite]

    def teardown(self) -> None:
        try:
            super().teardown()
        finally:
            shutil.rmtree(self._folder)


class MemoryAndSqlite(AgreementMachine):
    def openers(self) -> list[Opener]:
        ledger, blobs = Lasting(), LastingBlobs()
        self._folder = Path(tempfile.mkdtemp(prefix="aivcs-agreement-"))

        def memory(clock: Clock, ids: Ids) -> Repo:
            return Repo(ledger, blobs, clock=clock, ids=ids, salts=bytes)

        def sqlite(clock: Clock, ids: Ids) -> Repo:
            return init(self._folder, clock=clock, ids=ids, salts=bytes)

        return [memory, sqlite]

    def teardown(self) -> None:
        try:
            super().teardown()
        finally:
            shutil.rmtree(self._folder)


MemoryAndSqlite.TestCase.settings = settings(max_examples=80, stateful_step_count=30)
TestAgreement = MemoryAndSqlite.TestCase
MemoryAndSqliteEvents.TestCase.settings = settings(max_examples=80, stateful_step_count=30)
TestEventsAgreement = MemoryAndSqliteEvents.TestCase
