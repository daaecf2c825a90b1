"""One write transaction among processes, and what a failing disk does to it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import apsw
import pytest

from aivcs.adapters.sqlite import SqliteLedger
from aivcs.domain.batch import Batch
from aivcs.errors import StorageError
from aivcs.testing.ledger import stored

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PROCESSES, _TURNS = 4, 12
_COUNTER = """
import sys
from pathlib import Path
from aivcs.adapters.sqlite import SqliteLedger
from aivcs.domain.batch import Batch
from aivcs.testing.ledger import stored
ledger = SqliteLedger(Path(sys.argv[1]))
sys.stdin.readline()
for turn in range(int(sys.argv[2])):
    with ledger.exclusive():
        count = len(ledger.digests(limit=10_000))
        assert ledger.objects([stored(b"%d" % count).digest]) == {}
        ledger.commit(Batch(objects=(stored(b"%d" % count),), hold=True))
    ledger.commit(Batch(holds=(stored(b"%d" % turn).digest,)))
ledger.close()
"""


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqliteLedger]:
    ledger = SqliteLedger(tmp_path / "aivcs.db", create=True)
    yield ledger
    ledger.close()


def test_what_is_read_inside_stays_true(ledger: SqliteLedger, tmp_path: Path) -> None:
    command = [sys.executable, "-c", _COUNTER, str(tmp_path / "aivcs.db"), str(_TURNS)]
    crew = [subprocess.Popen(command, stdin=subprocess.PIPE) for _ in range(_PROCESSES)]
    for one in crew:
        assert one.stdin is not None
        one.stdin.write(b"\n")
        one.stdin.flush()
    for one in crew:
        assert one.stdin is not None
        assert one.wait(120) == 0
        one.stdin.close()
    expected = {stored(b"%d" % number).digest for number in range(_PROCESSES * _TURNS)}
    assert set(ledger.digests()) == ledger.unnamed(list(expected)) == expected
    assert ledger.reap() == _PROCESSES
    assert ledger.check() == []


@pytest.mark.parametrize("durable", [True, False])
def test_how_a_commit_is_synced(tmp_path: Path, *, durable: bool) -> None:
    """It is as the ledger was opened again after an exclusive transaction, or holds alone."""
    ledger = SqliteLedger(tmp_path / "aivcs.db", create=True, durable=durable)
    usual, full, normal = (2 if durable else 1), 2, 1
    seen: list[int] = []

    def level() -> int:
        return int(ledger._db.rows("PRAGMA synchronous")[0][0])

    with ledger.exclusive():
        ledger.commit(Batch(objects=(stored(),)))
        seen.append(level())
    seen.append(level())
    ledger.commit(Batch(holds=(stored().digest,)))
    seen.append(level())
    with ledger._db.writing(synced=False):
        seen.append(level())
    with pytest.raises(StorageError), ledger._db.writing(synced=True):
        raise apsw.IOError
    seen.append(level())
    assert seen == [full, usual, usual, normal, usual]
    ledger.close()


def test_a_transaction_that_the_engine_took_back(ledger: SqliteLedger) -> None:
    """An error that is caught inside must not make a half of it look whole."""
    one, two = stored(b"one"), stored(b"two")

    def half() -> None:
        with ledger.exclusive():
            ledger.commit(Batch(objects=(one,)))
            with ledger._db.writing() as db:
                db.execute("ROLLBACK")

    with pytest.raises(StorageError, match="took the whole transaction back"):
        half()
    assert ledger.digests() == []
    ledger.commit(Batch(objects=(two,)))
    assert ledger.digests() == [two.digest]


def test_reading_where_the_engine_ended_the_transaction(ledger: SqliteLedger) -> None:
    with ledger._db.snapshot():
        ledger._db.maintain("ROLLBACK")
    with ledger._db.snapshot(), ledger._db.snapshot():
        assert ledger.digests() == []
    ledger.commit(Batch(objects=(stored(),)))
    assert ledger.digests() == [stored().digest]
