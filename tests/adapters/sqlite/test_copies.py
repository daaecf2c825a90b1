"""A copy of a process reads the ledger under locks of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.copies import LedgerOfProcess
from aivcs.adapters.sqlite import SqliteLedger
from aivcs.domain.batch import Batch
from aivcs.domain.digest import Digest
from aivcs.domain.stored import Codec, StoredObject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")

_CHECKPOINT = """
import apsw, sys
db = apsw.Connection(sys.argv[1])
db.execute("INSERT INTO leases (token) VALUES ('another')")
print(db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0])
"""


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqliteLedger]:
    ledger = SqliteLedger(tmp_path / "aivcs.db", create=True)
    data = b"an object"
    ledger.commit(Batch(objects=(StoredObject(Digest.of(data), 9, Codec.RAW, data),)))
    yield ledger
    ledger.close()


def in_a_copy(work: Callable[[], bytes]) -> bytes:
    """Return what ``work`` returns in a copy of this process."""
    head, tail = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(tail, work())
        finally:
            os._exit(0)
    os.close(tail)
    os.waitpid(pid, 0)
    with os.fdopen(head, "rb") as answer:
        return answer.read()


def test_each_process_has_its_own(ledger: SqliteLedger, tmp_path: Path) -> None:
    reader = LedgerOfProcess(ledger, lambda: SqliteLedger(tmp_path / "aivcs.db"))
    assert reader() is ledger

    def work() -> bytes:
        mine = reader()
        assert mine is not ledger
        assert reader() is mine
        ((_, stored),) = mine.hot()
        return stored.data or b""

    assert in_a_copy(work) == b"an object"
    assert reader() is ledger
    assert ledger.check() == []


def test_nobody_takes_the_log_from_under_a_copy(ledger: SqliteLedger, tmp_path: Path) -> None:
    """A connection that the first process has open does not stand for the copy's lock."""
    path = tmp_path / "aivcs.db"
    reader = LedgerOfProcess(ledger, lambda: SqliteLedger(path))
    assert ledger.check() == []

    def work() -> bytes:
        mine = reader()
        assert isinstance(mine, SqliteLedger)
        with mine._db.snapshot():
            before = mine._db.rows("SELECT count(*) FROM leases")
            command = [sys.executable, "-c", _CHECKPOINT, str(path)]
            busy = subprocess.run(command, check=True, capture_output=True).stdout
            assert mine._db.rows("SELECT count(*) FROM leases") == before
        assert mine._db.rows("SELECT count(*) FROM leases") == [(before[0][0] + 1,)]
        return busy.strip()

    assert in_a_copy(work) == b"1"
    assert ledger.check() == []
