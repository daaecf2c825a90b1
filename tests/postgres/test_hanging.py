"""A process that hangs in the middle of a transaction keeps others away for a limited time."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.postgres import PostgresLedger, appending
from aivcs.errors import StorageError
from tests.postgres.test_round_trips import begin, bodies, one

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.adapters.postgres import Server
    from aivcs.adapters.postgres.session import Session
    from aivcs.domain.log_writes import Append


@pytest.fixture
def hanging(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[PostgresLedger]:
    """Return a ledger whose transactions may be idle for a second."""
    monkeypatch.setattr("aivcs.adapters.postgres.session._FORGOTTEN_SECONDS", 1)
    opened = PostgresLedger(server)
    yield opened
    opened.close()


def test_what_the_caller_held_is_lost(hanging: PostgresLedger, ledger: PostgresLedger) -> None:
    begin(ledger, "run")

    def work() -> None:
        with hanging.exclusive():
            ledger.commit(one())
            hanging.commit(one())

    with pytest.raises(StorageError, match="heard nothing for long"):
        work()
    assert bodies(ledger) == ["{}"]


def test_what_the_ledger_did_is_done_again(
    hanging: PostgresLedger, ledger: PostgresLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(ledger, "run")
    real, waits = appending.append, threading.Event()

    def append(db: Session, wanted: Append) -> tuple[tuple[int, ...], bool, object]:
        done = real(db, wanted)
        if not waits.is_set():
            waits.set()
            ledger.commit_all([one(body='"meanwhile"'), one(body='"and more"')])
        return done

    monkeypatch.setattr(appending, "append", append)
    assert hanging.commit(one(body='"again"')).seqs == ((3,),)
    assert bodies(ledger) == ['"meanwhile"', '"and more"', '"again"']
