"""The server is killed, restarted, hangs; the wire is cut. Nothing acknowledged is lost."""

from __future__ import annotations

import os
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.postgres import PostgresLedger, Server
from aivcs.domain.batch import Batch
from aivcs.domain.digest import Digest
from aivcs.domain.log_writes import Append
from aivcs.domain.stream import Family
from aivcs.errors import CorruptionError, RepositoryClosed, StorageError, Unreachable
from aivcs.testing.backend import BackendContract
from aivcs.testing.ledger import draft, new_run, new_spec, stored
from aivcs.testing.ledger_objects import LISTED
from tests.postgres.proxy import Cut, Wire
from tests.postgres.server import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.postgres.server import PostgresServer

WRITERS = 4
HELD = Digest.of(b"held")


@pytest.fixture
def place(breakable: PostgresServer) -> Iterator[str]:
    name = breakable.new_database()
    yield name
    breakable.drop_database(name)


@pytest.fixture
def wire(breakable: PostgresServer) -> Iterator[Wire]:
    with Wire(breakable.port) as wire:
        yield wire


def begin(ledger: PostgresLedger, *names: str) -> None:
    runs = tuple(new_run(name) for name in names or ("run",))
    ledger.commit(Batch(specs=(new_spec(),), runs=runs))


def one(name: str = "run", body: str = "{}") -> Batch:
    return Batch(appends=(Append(Family.RUN, name, (draft(body=body),)),))


def bodies(ledger: PostgresLedger, name: str = "run") -> list[str | None]:
    entries = list(ledger.entries(Family.RUN, name))
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    return [entry.body for entry in entries]


class Load:
    """Writers that append to a run of their own and to one of all; they stop when told."""

    def __init__(self, server: Server) -> None:
        self.ledger = PostgresLedger(server)
        self.names = ["shared", *(f"own{n}" for n in range(WRITERS))]
        begin(self.ledger, *self.names)
        self.said: list[tuple[str, str]] = []
        self.unsure: list[tuple[str, str]] = []
        self.errors: list[str] = []
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(WRITERS)
        self._jobs = [self._pool.submit(self._write, n) for n in range(WRITERS)]

    def _write(self, number: int) -> None:
        step = 0
        while not self._stop.is_set():
            step += 1
            name = "shared" if step % 2 else f"own{number}"
            body = f'"{number} {step}"'
            try:
                self.ledger.commit(one(name, body))
            except StorageError as error:
                self.errors.append(f"{error.message} {error.__cause__!r}")
                self.unsure.append((name, body))
            else:
                self.said.append((name, body))

    def wait_for_more(self) -> None:
        """Wait until writers succeed (again)."""
        wanted, ending = len(self.said) + 20, time.monotonic() + 60
        while len(self.said) < wanted:
            assert time.monotonic() < ending, self.errors[-3:]
            time.sleep(0.005)

    def finish(self) -> None:
        """Stop, and compare what is there with what was said."""
        self._stop.set()
        for job in self._jobs:
            job.result(60)
        self._pool.shutdown()
        found = [(name, str(body)) for name in self.names for body in bodies(self.ledger, name)]
        assert len(set(found)) == len(found)
        assert set(self.said) <= set(found) <= {*self.said, *self.unsure}
        assert self.ledger.check() == []
        self.ledger.close()


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_the_server_goes_down_under_load(breakable: PostgresServer, place: str, how: str) -> None:
    load = Load(Server(breakable.url(place), 30))
    for _ in range(10):
        load.wait_for_more()
        time.sleep(random.uniform(0, 0.05))  # noqa: S311 - at any instant
        getattr(breakable, how)()
        breakable.start()
    load.wait_for_more()
    load.finish()
    assert load.errors == []


def test_sessions_are_ended_under_load(breakable: PostgresServer, place: str) -> None:
    load = Load(Server(breakable.url(place), 30))
    with breakable.connect() as db:
        for _ in range(30):
            load.wait_for_more()
            db.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                (place,),
            )
    load.finish()
    assert load.errors == []


@pytest.mark.parametrize("when", Cut)
def test_the_wire_is_cut_at_the_commit(
    breakable: PostgresServer, place: str, wire: Wire, when: Cut
) -> None:
    url = breakable.url(place).replace(str(breakable.port), str(wire.port))
    ledger = PostgresLedger(Server(url, 10))
    begin(ledger)
    for number in range(3):
        wire.cut(b"COMMIT", when)
        assert ledger.commit(one(body=str(number))).seqs == ((number + 1,),)
    assert wire.cuts == 3
    assert bodies(ledger) == ["0", "1", "2"]
    ledger.close()


@pytest.mark.parametrize("words", [b"BEGIN", b"FROM streams", b"UPDATE streams", b"INTO entries"])
@pytest.mark.parametrize("when", Cut)
def test_the_wire_is_cut_before_the_commit(
    breakable: PostgresServer, place: str, wire: Wire, words: bytes, when: Cut
) -> None:
    url = breakable.url(place).replace(str(breakable.port), str(wire.port))
    ledger = PostgresLedger(Server(url, 10))
    begin(ledger)
    wire.cut(words, when)
    assert ledger.commit(one()).seqs == ((1,),)
    assert wire.cuts == 1
    wire.cut(b"FROM entries", when)
    assert bodies(ledger) == ["{}"]
    assert wire.cuts == 2
    ledger.close()


@pytest.mark.parametrize("when", Cut)
def test_what_the_caller_did_is_not_done_again(
    breakable: PostgresServer, place: str, wire: Wire, when: Cut
) -> None:
    url = breakable.url(place).replace(str(breakable.port), str(wire.port))
    ledger = PostgresLedger(Server(url, 10))
    begin(ledger)

    def work() -> None:
        with ledger.exclusive():
            ledger.commit(one())

    wire.cut(b"INTO entries", when)
    with pytest.raises(Unreachable, match="cannot be reached"):
        work()
    assert bodies(ledger) == []
    wire.cut(b"COMMIT", when)
    if when is Cut.AFTER:
        work()
    else:
        with pytest.raises(Unreachable, match="cannot be reached"):
            work()
    assert len(bodies(ledger)) == (when is Cut.AFTER)
    ledger.close()


def test_another_server_took_over(breakable: PostgresServer, place: str, wire: Wire) -> None:
    """It has not what the first one had not sent it, and the numbers of others."""
    url = breakable.url(place).replace(str(breakable.port), str(wire.port))
    ledger = PostgresLedger(Server(url, 10))
    begin(ledger)
    wire.cut(b"COMMIT", Cut.BEFORE)
    wire.then = lambda: forget(breakable, place)
    assert ledger.commit(one()).seqs == ((1,),)
    assert bodies(ledger) == ["{}"]
    ledger.close()


def forget(server: PostgresServer, place: str) -> None:
    with server.connect(place) as db:
        db.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE datname = %s AND pid <> pg_backend_pid()",
            (place,),
        )
        db.execute("DELETE FROM aivcs.writers")


def test_nobody_can_say_what_became_of_a_commit(
    breakable: PostgresServer, place: str, wire: Wire
) -> None:
    url = breakable.url(place).replace(str(breakable.port), str(wire.port))
    ledger = PostgresLedger(Server(url, 1))
    begin(ledger)
    wire.cut(b"COMMIT", Cut.AFTER)
    wire.then = wire.__exit__
    with pytest.raises(StorageError, match="may have been done or not"):
        ledger.commit(one())
    ledger.close()


def test_a_server_that_hangs(breakable: PostgresServer, place: str) -> None:
    ledger = PostgresLedger(Server(breakable.url(place), 1))
    begin(ledger)
    breakable.pause()
    try:
        began = time.monotonic()
        with pytest.raises(Unreachable, match="gives no answer"):
            ledger.run("run")
        with pytest.raises(Unreachable, match="timeout"):
            ledger.commit(one())
        assert time.monotonic() - began < 15
        with pytest.raises(Unreachable, match="timeout"):
            PostgresLedger(Server(breakable.url(place), 1))
    finally:
        breakable.resume()
    ledger.commit(one(body='"after"'))
    assert bodies(ledger) == ['"after"']
    ledger.close()


def test_no_server(breakable: PostgresServer, place: str) -> None:
    ledger = PostgresLedger(Server(breakable.url(place), 1))
    begin(ledger)
    breakable.kill()
    try:
        for call in (lambda: ledger.run("run"), lambda: ledger.commit(one())):
            with pytest.raises(Unreachable, match="cannot be reached") as caught:
                call()
            assert PASSWORD not in str(caught.value)
        with pytest.raises(Unreachable, match="cannot be reached"):
            PostgresLedger(Server(breakable.url(place), 60))
    finally:
        breakable.start()
    assert ledger.commit(one()).seqs == ((1,),)
    ledger.close()


def test_a_lock_that_is_held_for_long(breakable: PostgresServer, place: str) -> None:
    holder = PostgresLedger(Server(breakable.url(place)))
    begin(holder)
    waiter = PostgresLedger(Server(breakable.url(place), 1))
    with holder.exclusive():
        with pytest.raises(StorageError, match="locked for 1 seconds"):
            waiter.commit(one())
        holder.commit(one())
    waiter.commit(one())
    assert len(bodies(holder)) == 2
    holder.close()
    waiter.close()


@pytest.mark.parametrize("reaped", [False, True])
def test_the_session_of_a_lease_is_lost(
    breakable: PostgresServer, place: str, reaped: bool
) -> None:
    holder, other = (PostgresLedger(Server(breakable.url(place), 10)) for _ in range(2))
    item = stored(b"held")
    holder.commit(Batch(objects=(item,), hold=True))
    holder.commit(Batch(holds=(Digest.of(b"soon"),)))
    with breakable.connect() as db:
        db.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
            " AND objid BETWEEN 1 AND 1000"
        )
    while not other._dead():
        time.sleep(0.01)
    if reaped:
        assert other.reap() == 1
        with pytest.raises(StorageError, match="a collection ran since"):
            holder.commit(Batch(objects=(item,), hold=True))
    holder.commit(Batch(objects=(item,), hold=True))
    assert other.reap() == (not reaped)
    with other.exclusive():
        unnamed = other.unnamed([item.digest, Digest.of(b"soon")])
    assert unnamed == ({Digest.of(b"soon")} if reaped else set())
    (use,) = other.uses([item.digest])
    assert use.owner.startswith(f"process {os.getpid()} on ")
    holder.close()
    other.close()


def test_a_lease_that_only_the_server_knows_to_be_lost(
    breakable: PostgresServer, place: str
) -> None:
    holder, other = (PostgresLedger(Server(breakable.url(place), 10)) for _ in range(2))
    holder.commit(Batch(objects=(stored(b"held"),), hold=True))
    with breakable.connect(place) as db:
        db.execute("DELETE FROM aivcs.leases")
    with pytest.raises(StorageError, match="a collection ran since"):
        holder.commit(Batch(objects=(stored(b"more"),)))
    holder.commit(Batch(objects=(stored(b"more"),), hold=True))
    assert other.unnamed([HELD, stored(b"more").digest]) == {HELD}
    holder.close()
    other.close()


def test_the_lock_of_upkeep_is_lost(breakable: PostgresServer, place: str) -> None:
    ledger = PostgresLedger(Server(breakable.url(place), 10))
    with ledger.upkeep(wait=True) as mine, breakable.connect(place) as db:
        assert mine
        ledger.commit(Batch(packs=(LISTED,)))
        ((number,),) = db.execute(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = 4294967295"
        ).fetchall()
        db.execute("SELECT pg_terminate_backend(%s, 10000)", (number,))
        with pytest.raises(StorageError, match="kept others away is lost"):
            ledger.commit(Batch(dropped_packs=(LISTED.pack.digest,)))
    ledger.commit(Batch(dropped_packs=(LISTED.pack.digest,)))
    ledger.close()


def test_after_a_fork(breakable: PostgresServer, place: str) -> None:
    ledger = PostgresLedger(Server(breakable.url(place), 10))
    begin(ledger)
    ledger.commit(Batch(objects=(stored(b"held"),), hold=True))
    child = os.fork()
    if child == 0:
        try:
            ledger.run("run")
        except RepositoryClosed:
            ledger.close()
            os._exit(7)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert ledger.commit(one()).seqs == ((1,),)
    assert ledger.unnamed([HELD]) == set()
    ledger.close()


class TestBackend(BackendContract):
    network = True

    @pytest.fixture
    def backend(self, breakable: PostgresServer, place: str) -> Iterator[PostgresLedger]:
        opened = PostgresLedger(Server(breakable.url(place), 10))
        yield opened
        opened.close()


def test_health(breakable: PostgresServer, ledger: PostgresLedger, place: str) -> None:
    sound = PostgresLedger(Server(breakable.url(place), 10))
    sound.health_check()
    assert (sound.name(), sound.requires_network()) == ("postgres", True)
    assert not sound.supports_air_gapped()
    with breakable.connect(place) as db:
        db.execute("DROP SCHEMA aivcs CASCADE")
    with pytest.raises(CorruptionError, match="has not the tables"):
        sound.health_check()
    sound.shutdown()
    with pytest.raises(RepositoryClosed):
        sound.health_check()
    with pytest.raises(StorageError, match="does not survive a power cut"):
        ledger.health_check()
