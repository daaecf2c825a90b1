"""Who is refused again and again has the next turn, and keeps nobody waiting for long."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.postgres import PostgresLedger, locks
from aivcs.adapters.postgres.keeping import REFUSALS
from aivcs.domain.batch import Batch
from aivcs.domain.stream import Family
from aivcs.errors import StorageError, WrongExpectedSequence
from tests.postgres.test_round_trips import begin, bodies, one, wait_for_waiters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.adapters.postgres import Server
    from tests.postgres.server import PostgresServer

_KEPT = """
SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = %s
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@pytest.fixture
def other(server: Server) -> Iterator[PostgresLedger]:
    opened = PostgresLedger(server)
    yield opened
    opened.close()


def refused(ledger: PostgresLedger, times: int = REFUSALS, name: str = "run") -> None:
    for _ in range(times):
        with pytest.raises(WrongExpectedSequence):
            ledger.commit(one(name, size=99))


def keepers(postgres: PostgresServer, database: str) -> list[object]:
    with postgres.connect(database) as db:
        return [pid for (pid,) in db.execute(_KEPT, (locks.TURNS,)).fetchall()]


def size(ledger: PostgresLedger) -> int:
    head = ledger.stream(Family.RUN, "run")
    assert head is not None
    return head.size


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a turn be kept as long as it takes a slow machine."""
    monkeypatch.setattr("aivcs.adapters.postgres.keeping._HASTE", "SET idle_session_timeout = 0")


@pytest.mark.usefixtures("patient")
def test_who_was_refused_often_is_next(
    ledger: PostgresLedger, other: PostgresLedger, postgres: PostgresServer, database: str
) -> None:
    begin(ledger, "run")
    refused(ledger)
    with ThreadPoolExecutor(1) as pool:
        later = pool.submit(other.commit, one(body='"later"'))
        wait_for_waiters(postgres, database, 1)
        assert ledger.commit(one(body='"first"', size=size(ledger))).seqs == ((1,),)
        assert later.result(60).seqs == ((2,),)
    assert bodies(other) == ['"first"', '"later"']
    assert keepers(postgres, database) == []


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("how", ["fewer", "written", "another"])
def test_nothing_is_kept_without_need(
    ledger: PostgresLedger, postgres: PostgresServer, database: str, how: str
) -> None:
    """Not for fewer refusals, nor when they are of several runs or a write is between them."""
    begin(ledger, "run", "other")
    refused(ledger, REFUSALS - 1)
    if how == "written":
        ledger.commit(one(size=0))
        refused(ledger, REFUSALS - 1)
    elif how == "another":
        refused(ledger, REFUSALS - 1, "other")
    assert keepers(postgres, database) == []


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("how", ["write", "group", "alone", "expect", "close"])
def test_who_begins_something_else_lets_go(
    ledger: PostgresLedger, postgres: PostgresServer, database: str, how: str
) -> None:
    begin(ledger, "run", "other")
    refused(ledger)
    assert len(keepers(postgres, database)) == 1
    if how == "write":
        ledger.commit(one("other"))
    elif how == "group":
        ledger.commit_all([one(), one("other")])
    elif how == "alone":
        with ledger.exclusive():
            ledger.commit(one(size=0))
    elif how == "expect":
        ledger.commit(one("other", size=0))
    else:
        ledger.close()
    ending = time.monotonic() + 60
    while keepers(postgres, database):
        assert time.monotonic() < ending
        time.sleep(0.01)


def test_a_turn_that_nobody_uses_is_given_up(
    ledger: PostgresLedger, other: PostgresLedger, postgres: PostgresServer, database: str
) -> None:
    begin(ledger, "run")
    for _ in range(2):
        refused(ledger)
        other.commit(one())
        assert keepers(postgres, database) == []
    assert ledger.commit(one(size=2)).seqs == ((3,),)
    refused(ledger)
    assert ledger.commit(one(size=3)).seqs == ((4,),)


@pytest.mark.usefixtures("patient")
def test_the_session_that_keeps_it_is_lost(
    ledger: PostgresLedger, other: PostgresLedger, postgres: PostgresServer, database: str
) -> None:
    """It was a courtesy; what is written is as safe without it."""
    begin(ledger, "run")
    for written in range(0, 4, 2):
        refused(ledger)
        ((keeper,),) = [keepers(postgres, database)]
        with postgres.connect(database) as db:
            db.execute("SELECT pg_terminate_backend(%s, 10000)", (keeper,))
        other.commit(one())
        with pytest.raises(WrongExpectedSequence):
            ledger.commit(one(size=written))
        assert ledger.commit(one(size=written + 1)).seqs == ((written + 2,),)
    assert bodies(ledger) == ["{}"] * 4


def test_no_connection_is_left_for_it(
    ledger: PostgresLedger, postgres: PostgresServer, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(ledger, "run")

    def connect() -> None:
        msg = "too many connections"
        raise StorageError(msg, hint="close some")

    monkeypatch.setattr(ledger._db, "connect", connect)
    refused(ledger, REFUSALS + 2)
    assert keepers(postgres, database) == []
    assert ledger.commit(one(size=0)).seqs == ((1,),)


def test_several_runs_need_no_turn(ledger: PostgresLedger) -> None:
    begin(ledger, "run", "other")
    refused(ledger)
    both = Batch(appends=(*one(size=0).appends, *one("other", size=0).appends))
    assert ledger.commit(both).seqs == ((1,), (1,))
