from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import settings

from aivcs.adapters.memory_ledger import MemoryLedger
from aivcs.adapters.sqlite import SqliteLedger
from aivcs.testing.ledger_machine import LedgerMachine

if TYPE_CHECKING:
    from aivcs.ports import Ledger


class MemoryAndSqlite(LedgerMachine):
    def ledgers(self) -> list[Ledger]:
        self._folder = Path(tempfile.mkdtemp(prefix="aivcs-agreement-"))
        return [MemoryLedger(), SqliteLedger(self._folder / "aivcs.db", create=True, durable=False)]

    def teardown(self) -> None:
        try:
            super().teardown()
        finally:
            shutil.rmtree(self._folder)


MemoryAndSqlite.TestCase.settings = settings(max_examples=40, stateful_step_count=30)
TestLedgerAgreement = MemoryAndSqlite.TestCase
