"""What is sent together, and who goes on first; no promise is given up for it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.postgres import locks, sending
from aivcs.domain.batch import Batch
from aivcs.domain.execution import ExecutionState
from aivcs.domain.log_writes import Append
from aivcs.domain.stream import Family
from aivcs.errors import InvalidInputError, RunNotFound, StorageError, WrongExpectedSequence
from aivcs.testing.ledger import draft, new_run, new_spec

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg

    from aivcs.adapters.postgres import PostgresLedger
    from aivcs.adapters.postgres.sending import Answer, Step
    from tests.postgres.server import PostgresServer

WAITERS = 6
NOTHING = """
CREATE FUNCTION aivcs.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER a BEFORE UPDATE ON aivcs.streams FOR EACH ROW EXECUTE FUNCTION aivcs.nothing()
"""


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Return what is sent, a list of first words for each round trip."""
    trips: list[list[str]] = []
    real = sending.send

    def send(db: psycopg.Connection[tuple[object, ...]], steps: Sequence[Step]) -> list[Answer]:
        trips.append([" ".join(sql.split()[:2]) for sql, _ in steps])
        return real(db, steps)

    monkeypatch.setattr(sending, "send", send)
    return trips


def begin(ledger: PostgresLedger, *names: str) -> None:
    ledger.commit(Batch(specs=(new_spec(),), runs=tuple(map(new_run, names))))


def one(name: str = "run", body: str = "{}", size: int | None = None) -> Batch:
    append = Append(Family.RUN, name, (draft(body=body),), expected_size=size)
    return Batch(appends=(append,))


def bodies(ledger: PostgresLedger, name: str = "run") -> list[str | None]:
    return [entry.body for entry in ledger.entries(Family.RUN, name)]


def test_an_append_is_two_round_trips(ledger: PostgresLedger, sent: list[list[str]]) -> None:
    begin(ledger, "run")
    sent.clear()
    ledger.commit(one())
    first, second = sent
    assert [first[0], second[-1]] == ["BEGIN", "COMMIT"]
    assert second == ["UPDATE streams", "INSERT INTO", "COMMIT"]


def test_the_number_of_a_transaction_is_there_before_it_is_committed(
    ledger: PostgresLedger, sent: list[list[str]]
) -> None:
    begin(ledger, "run")
    sent.clear()
    ledger.commit(Batch())
    assert sent == [["BEGIN", "INSERT INTO"], ["COMMIT"]]


def test_what_cannot_be_stored_is_refused_though_it_is_sent_with_the_commit(
    ledger: PostgresLedger, sent: list[list[str]]
) -> None:
    begin(ledger, "run")
    with pytest.raises(InvalidInputError, match="cannot hold a value"):
        ledger.commit(one(body='"\0"'))
    assert sent[-2:] == [["UPDATE streams", "INSERT INTO", "COMMIT"], ["ROLLBACK"]]
    with pytest.raises(InvalidInputError, match="cannot hold a value"):
        ledger.commit(one(body='"\udc80"'))
    assert bodies(ledger) == []
    ledger.commit(one())
    assert bodies(ledger) == ["{}"]
    assert ledger.check() == []


def test_what_the_server_refuses_takes_the_commit_with_it(
    ledger: PostgresLedger, postgres: PostgresServer, database: str
) -> None:
    begin(ledger, "run", "other")
    with postgres.connect(database) as db:
        db.execute("ALTER TABLE aivcs.entries ADD CHECK (body <> '\"bad\"')")
    with pytest.raises(StorageError, match="violates check constraint"):
        ledger.commit(one(body='"bad"'))
    with pytest.raises(StorageError, match="violates check constraint"):
        ledger.commit_all([one(), one("other", '"bad"')])
    assert bodies(ledger) == bodies(ledger, "other") == []
    assert ledger.commit(one()).seqs == ((1,),)


def test_what_is_refused_often_does_not_spoil_the_session(
    ledger: PostgresLedger, postgres: PostgresServer, database: str
) -> None:
    """The client prepares what it sends often, which the server passes over after an error."""
    begin(ledger, "run")
    with postgres.connect(database) as db:
        db.execute("ALTER TABLE aivcs.entries ADD CHECK (body <> '\"bad\"')")
    for number in range(3):
        for _ in range(12):
            with pytest.raises(StorageError, match="violates check constraint"):
                ledger.commit(one(body='"bad"'))
        assert ledger.commit(one()).seqs == ((number + 1,),)


def test_a_log_that_did_not_grow_takes_no_entry(
    ledger: PostgresLedger, postgres: PostgresServer, database: str
) -> None:
    begin(ledger, "run")
    with postgres.connect(database) as db:
        db.execute(NOTHING)
    for commit in (lambda: ledger.commit(one()), lambda: ledger.commit_all([one(), one()])):
        with pytest.raises(StorageError, match="the log takes no entry"):
            commit()
    assert bodies(ledger) == []


def test_a_refused_part_leaves_nothing_to_be_sent(ledger: PostgresLedger) -> None:
    """What it had planned before it was refused is not sent with the next one."""
    begin(ledger, "run", "other")
    good = Append(Family.RUN, "run", (draft(body="1"),), key="key")
    bad = replace(good, name="none", key=None)
    answers = ledger.commit_all([Batch(appends=(good, bad)), one(body="2"), one("other")])
    assert isinstance(answers[0], RunNotFound)
    assert (bodies(ledger), bodies(ledger, "other")) == (["2"], ["{}"])


def test_a_part_whose_end_is_refused_is_taken_back_alone(
    ledger: PostgresLedger, postgres: PostgresServer, database: str
) -> None:
    begin(ledger, "run")
    with postgres.connect(database) as db:
        db.execute("ALTER TABLE aivcs.keys ADD CHECK (key <> 'bad')")
    keyed = [
        Batch(appends=(Append(Family.RUN, "run", (draft(body=body),), key=key),))
        for body, key in (("1", "a"), ("2", "bad"), ("3", "c"))
    ]
    first, second, third = ledger.commit_all(keyed)
    assert isinstance(second, StorageError)
    assert [getattr(answer, "seqs", None) for answer in (first, third)] == [((1,),), ((2,),)]
    assert bodies(ledger) == ["1", "3"]


def test_an_early_event_begins_a_run_that_was_only_created(ledger: PostgresLedger) -> None:
    new = replace(new_run("run"), state=ExecutionState.CREATED)
    ledger.commit(Batch(specs=(new_spec(),), runs=(new,)))
    ledger.commit(Batch(appends=(Append(Family.RUN, "run", (draft(3),)),)))
    found = ledger.run("run")
    assert found is not None
    assert (found.state, found.total_events) == (ExecutionState.RUNNING, 0)
    assert list(ledger.waiting("run")) == [3]


def test_who_comes_first_goes_on_first(
    ledger: PostgresLedger, postgres: PostgresServer, database: str
) -> None:
    begin(ledger, "run")
    with ThreadPoolExecutor(WAITERS) as pool, postgres.connect(database) as db:
        db.execute("BEGIN")
        db.execute("SELECT FROM aivcs.streams FOR NO KEY UPDATE")
        jobs = []
        for number in range(WAITERS):
            jobs.append(pool.submit(ledger.commit, one(body=str(number))))
            wait_for_waiters(postgres, database, number + 1)
        db.execute("COMMIT")
        assert [job.result(60).seqs for job in jobs] == [((n + 1,),) for n in range(WAITERS)]


def wait_for_waiters(postgres: PostgresServer, database: str, wanted: int) -> None:
    ending = time.monotonic() + 60
    with postgres.connect(database) as db:
        while time.monotonic() < ending:
            ((number,),) = db.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            ).fetchall()
            if number == wanted:
                return
            time.sleep(0.005)
    raise TimeoutError


def test_two_logs_may_have_one_turn(
    ledger: PostgresLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "MOST_TURNS", 1)
    begin(ledger, "run", "other")
    both = Batch(appends=(*one().appends, *one("other").appends))
    assert ledger.commit(both).seqs == ((1,), (1,))
    with pytest.raises(WrongExpectedSequence):
        ledger.commit(one(size=0))
