"""A client that knows nothing of aivcs cannot rewrite the ledger by SQL."""
# ruff: noqa: S608 - the statements are made of constants of this file

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from aivcs.adapters.postgres.tables import LOGS, MOVING
from aivcs.domain.execution import NEXT, ExecutionState
from aivcs.domain.run import RunMetadata, RunStatus
from aivcs.repo import init, open_repo
from aivcs.testing.subject import add_spec, by, end, note

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.postgres.server import PostgresServer

_BLOB = "decode(repeat('00', {0}), 'hex')"
_ENTRY = (
    "INSERT INTO {table} (stream, seq, kind, timestamp, recorded_at, body, salt, checksum)"
    f" VALUES ({{stream}}, {{seq}}, 'forged', 0, 0, '{{{{}}}}', {_BLOB.format(16)},"
    f" {_BLOB.format(8)})"
)
_STREAM = (
    "INSERT INTO streams (id, family, name, size, state, epoch, holder, deadline)"
    " VALUES ({id}, '{family}', '{name}', {size}, {state}, {epoch}, {holder}, {deadline})"
)
_END = (
    f"INSERT INTO ends VALUES ({{stream}}, {{success}}, 0, NULL, 0, '', {_BLOB.format(32)},"
    f" {_BLOB.format(8)})"
)
_ERASED = (
    "body = NULL, object = NULL, salt = NULL, commitment ="
    " sha256(salt || coalesce(object, sha256(convert_to(body, 'UTF8'))))"
)
_BEGIN = (ExecutionState.CREATED, ExecutionState.RUNNING)
_RELEASE = 5


@dataclass(frozen=True)
class Foreign:
    """A client of its own; each script is one transaction that is taken back unless ``keep``."""

    db: psycopg.Connection[Any]
    ids: dict[str, int]
    place: Path

    def __call__(self, *scripts: str, keep: bool = False) -> list[str]:
        return [self._answer(script, keep=keep) for script in scripts]

    def _answer(self, script: str, *, keep: bool) -> str:
        try:
            with self.db.transaction(force_rollback=not keep):
                for statement in script.split(";"):
                    self.db.execute(statement.encode())
        except psycopg.Error as error:
            return str(error.diag.message_primary)
        return ""


@pytest.fixture
def foreign(postgres: PostgresServer, tmp_path: Path) -> Iterator[Foreign]:
    """Return a client of a ledger with one run of each status and two releases."""
    database = postgres.new_database(empty=True)
    with init(tmp_path, ledger=postgres.url(database)) as repo:
        spec = add_spec(repo)
        for status in RunStatus:
            run_id = repo.runs.create_run(spec, RunMetadata("agent"))
            batch = repo.runs.appending(run_id, [note(None, {"n": 1}), note(None, {"n": 2})])
            keyed = tuple(replace(append, key="once") for append in batch.appends)
            repo._ledger.commit(replace(batch, appends=keyed))
            repo.runs.append_events(run_id, [note(4), note(5)])
            if status.terminal:
                if status is RunStatus.COMPLETED:
                    repo.runs.append_event(run_id, note(3))
                end(repo, run_id, status)
        repo.releases.promote("agent", spec, by())
        repo.releases.promote("agent", spec, by())
        repo.objects.put(b"a small object", pin=True)
        names = [run.run_id for run in reversed(repo.runs.list_runs())]
        statuses = [repo.runs.get_run(name).status.value for name in names]
    with postgres.connect(database) as db:
        db.execute("SET search_path = aivcs")
        yield Foreign(db, dict(zip(statuses, range(1, 5), strict=True)), tmp_path)
    postgres.drop_database(database)


def refused(answers: list[str]) -> list[str]:
    """Return the answers that refuse nothing."""
    known = ("aivcs: ", "new row for relation", "duplicate key value", "cannot insert")
    return [answer for answer in answers if not answer.startswith(known)]


def entry(table: str = "entries", **values: Any) -> str:
    return _ENTRY.format(table=table, **values)


def stream(**values: Any) -> str:
    usual = {"id": 50, "family": "run", "name": "n", "size": 0, "state": "'Running'"}
    usual |= {"epoch": 0, "holder": "NULL", "deadline": "NULL"}
    return _STREAM.format(**{**usual, **values})


@pytest.mark.parametrize("table", ["streams", "early", *LOGS])
def test_nothing_is_deleted(foreign: Foreign, table: str) -> None:
    (answer,) = foreign(f"DELETE FROM {table}")
    assert answer.startswith("aivcs: "), answer


def test_no_table_is_emptied(foreign: Foreign) -> None:
    tables = ("streams", *LOGS, *MOVING)
    scripts = [f"TRUNCATE {table} CASCADE" for table in tables]
    assert refused(foreign(*scripts)) == []


@pytest.mark.parametrize("table", [name for name in LOGS if name != "entries"])
def test_no_row_is_changed(foreign: Foreign, table: str) -> None:
    names = foreign.db.execute(
        "SELECT attname::text FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0",
        (table,),
    ).fetchall()
    scripts = [f"UPDATE {table} SET {name} = {name}" for (name,) in names]
    scripts.append(
        f"INSERT INTO {table} SELECT * FROM {table} LIMIT 1"
        f" ON CONFLICT ON CONSTRAINT {table}_pkey DO UPDATE SET {names[-1][0]} = NULL"
    )
    assert foreign(*scripts) == [f"aivcs: {table} is append-only"] * len(scripts)


@pytest.mark.parametrize("table", ["entries", "early"])
def test_of_an_entry_only_the_body_of_an_ended_run_goes(foreign: Foreign, table: str) -> None:
    columns = ("id", "stream", "seq", "kind", "timestamp", "recorded_at", "body", "salt")
    failed, running = foreign.ids["FAILED"], foreign.ids["RUNNING"]
    erase = f"UPDATE {table} SET {_ERASED}"
    another = f"UPDATE {table} SET body = NULL, object = NULL, salt = NULL, commitment ="
    scripts = [
        *(f"UPDATE {table} SET {name} = {name}" for name in columns),
        *(f"{erase}, {name} = {name} + 1 WHERE stream = {failed}" for name in ("seq", "timestamp")),
        f"{erase}, kind = 'other' WHERE stream = {failed}",
        f"{erase}, checksum = {_BLOB.format(8)} WHERE stream = {failed}",
        f"{another} {_BLOB.format(32)} WHERE stream = {failed}",
        f"UPDATE {table} SET body = 'forged' WHERE stream = {failed}",
        f"{erase} WHERE stream = {running}",
        f"{erase} WHERE stream = {failed};{erase} WHERE stream = {failed}",
    ]
    if table == "entries":
        scripts.append(f"{erase} WHERE stream = {_RELEASE}")
    assert refused(foreign(*scripts)) == []
    assert foreign(f"{erase} WHERE stream = {failed}", keep=True) == [""]
    with open_repo(foreign.place) as repo:
        assert [one.kind for one in repo.verify().problems if one.kind != "gap"] == []


def test_objects_and_references_never_change(foreign: Foreign) -> None:
    state = f"INSERT INTO refs (digest, role, stream) VALUES ({_BLOB.format(32)}, 'state', 1)"
    scripts = [
        *(f"UPDATE hot SET {name} = {name}" for name in ("digest", "size", "codec", "data")),
        *(f"UPDATE refs SET {name} = {name}" for name in ("id", "digest", "role", "stream")),
        f"INSERT INTO large VALUES ({_BLOB.format(32)}, 1, 1, 0);UPDATE large SET size = size",
        f"INSERT INTO sealed VALUES ({_BLOB.format(32)}, 99, 0, 0, 0)",
        f"{state};DELETE FROM refs",
        "INSERT INTO hot (id, digest, size, codec, data) SELECT id, '\\x00', 1, 0, '' FROM hot",
    ]
    assert refused(foreign(*scripts)) == []
    again = "INSERT INTO {0} SELECT {1} FROM hot"
    assert foreign(
        "INSERT INTO hot (digest, size, codec, data) SELECT digest, 1, 0, '' FROM hot",
        again.format("large", "digest, 1, 1, 0"),
        "DELETE FROM refs WHERE stream IS NULL",
        keep=True,
    ) == ["", "", ""]
    with open_repo(foreign.place) as repo:
        assert [one.kind for one in repo.verify().problems if one.kind != "gap"] == []


def test_no_entry_out_of_turn(foreign: Foreign) -> None:
    running, completed = foreign.ids["RUNNING"], foreign.ids["COMPLETED"]
    grown = f"size = {{0}}, frontier = {_BLOB.format(64)}"
    scripts = [
        *(entry(stream=running, seq=seq) for seq in (0, 1, 2, 3, 4, 9)),
        *(entry(stream=completed, seq=seq) for seq in (1, 5, 6)),
        *(entry(stream=_RELEASE, seq=seq) for seq in (1, 2, 3)),
        entry(stream=99, seq=1),
        f"UPDATE streams SET {grown.format(6)} WHERE id = {completed};"
        + entry(stream=completed, seq=6),
        (
            f"UPDATE streams SET {grown.format(3)} WHERE id = {running};INSERT INTO entries"
            " (stream, seq, kind, timestamp, recorded_at, commitment, checksum) VALUES"
            f" ({running}, 3, 'forged', 0, 0, {_BLOB.format(32)}, {_BLOB.format(8)})"
        ),
    ]
    assert refused(foreign(*scripts)) == []


def test_nothing_waits_out_of_turn(foreign: Foreign) -> None:
    running, failed = foreign.ids["RUNNING"], foreign.ids["FAILED"]
    scripts = [
        *(entry("early", stream=running, seq=seq) for seq in (1, 2, 3, 4, 5)),
        entry("early", stream=failed, seq=9),
        entry("early", stream=_RELEASE, seq=9),
        f"DELETE FROM early WHERE stream = {running} AND seq = 4",
    ]
    assert refused(foreign(*scripts)) == []


def test_no_second_run_stream_end_seal_or_key(foreign: Foreign) -> None:
    running = foreign.ids["RUNNING"]
    ended = [number for status, number in foreign.ids.items() if status != "RUNNING"]
    columns = (
        "spec, agent, tenant, tags, git_sha, environment, created_at, NULL, NULL, NULL, checksum"
    )
    again = f"INSERT INTO runs SELECT {{0}}, {columns} FROM runs WHERE stream = 1"
    scripts = [
        stream(size=1),
        *(stream(state=f"'{one}'") for one in ExecutionState if one not in _BEGIN),
        stream(state="NULL"),
        stream(epoch=1),
        stream(epoch=1, holder="'h'", deadline=0),
        stream(id=1, name="fresh"),
        stream(family="release", name="agent", state="NULL"),
        *(again.format(number) for number in (1, running, _RELEASE, 99)),
        stream()
        + f";INSERT INTO runs VALUES (50, {_BLOB.format(32)}, 'a', NULL, '', '', '', 0, NULL, NULL,"
        f" NULL, {_BLOB.format(8)})",
        *(_END.format(stream=number, success=1) for number in (*ended, _RELEASE, 99)),
        *(
            f"INSERT INTO seals VALUES ({number}, {of}, {_BLOB.format(32)})"
            for number, of in ((4, running), (4, ended[0]), (4, 5), (5, 99), (1, ended[0]))
        ),
        f"INSERT INTO keys VALUES ({running}, 'once', 2, 1)",
        f"INSERT INTO keys VALUES ({running}, 'beyond', 2, 2)",
        f"INSERT INTO keys VALUES ({ended[0]}, 'late', 1, 1)",
    ]
    assert refused(foreign(*scripts)) == []


def _move(number: int, state: str) -> str:
    wait = "'approval'" if state == "Waiting" else "NULL"
    return f"UPDATE streams SET state = '{state}', wait = {wait} WHERE id = {number}"


def _begun(state: ExecutionState) -> str:
    """Return how a stream of number 50 comes to a state, and a row of ends for it."""
    way = [ExecutionState.RUNNING, state]
    if state in {ExecutionState.CREATED, ExecutionState.PLANNING}:
        way = [ExecutionState.CREATED, state]
    run = (
        "INSERT INTO runs SELECT 50, spec, agent, tenant, tags, git_sha, environment, created_at,"
        " NULL, NULL, NULL, checksum FROM runs WHERE stream = 1"
    )
    begin = [stream(state=f"'{way[0]}'"), run, _END.format(stream=50, success=0)]
    return ";".join([*begin, *(_move(50, state) for _ in range(way[0] is not state))])


def test_only_legal_moves(foreign: Foreign) -> None:
    running = foreign.ids["RUNNING"]
    words = [*(state.value for state in ExecutionState), "DONE", "running"]
    moves = {
        (old, new): f"{_begun(old)};{_move(50, new)}"
        for old in ExecutionState
        for new in words
        if new != old
    }
    legal = {(old, new.value) for old, news in NEXT.items() for new in news}
    scripts = [script for move, script in moves.items() if move not in legal]
    scripts += [f"UPDATE streams SET state = NULL WHERE id = {n}" for n in range(1, 5)]
    scripts += [f"UPDATE streams SET state = 'Running' WHERE id = {_RELEASE}"]
    scripts += [_move(running, new) for new in NEXT[ExecutionState.RUNNING] if new.terminal]
    scripts.append(
        f"{_move(running, 'Waiting')};UPDATE streams SET wait = 'external' WHERE id = {running}"
    )
    assert refused(foreign(*scripts)) == []
    assert foreign(f"UPDATE streams SET status = 'COMPLETED' WHERE id = {running}") != [""]
    assert foreign(*(moves[move] for move in legal)) == [""] * len(legal)


def test_a_lease_has_a_new_epoch_for_each_holder(foreign: Foreign) -> None:
    running = foreign.ids["RUNNING"]
    take = f"UPDATE streams SET epoch = 3, holder = 'ann', deadline = 9 WHERE id = {running}"
    change = f"{take};UPDATE streams SET {{}} WHERE id = {running}"
    scripts = [
        *(change.format(what) for what in ("epoch = 2", "holder = 'bob'", "holder = NULL")),
        *(change.format(what) for what in ("deadline = NULL", "epoch = 2, holder = 'bob'")),
        (
            f"{take};{_END.format(stream=running, success=0)};"
            f"UPDATE streams SET state = 'Failed' WHERE id = {running}"
        ),
        f"UPDATE streams SET epoch = 1 WHERE id = {foreign.ids['FAILED']}",
    ]
    assert refused(foreign(*scripts)) == []
    legal = ["deadline = 10", "holder = NULL, deadline = NULL", "epoch = 4, holder = 'bob'"]
    assert foreign(*(change.format(what) for what in legal)) == [""] * 3


def test_a_stream_keeps_its_name_and_only_grows(foreign: Foreign) -> None:
    changes = ("id = 77", "name = 'x'", "size = 0", f"frontier = {_BLOB.format(32)}", "size = 9")
    scripts = [
        f"UPDATE streams SET {change} WHERE id = {number}"
        for number in range(1, 6)
        for change in changes
    ]
    scripts += [
        f"UPDATE streams SET family = 'release', state = NULL WHERE id = {number}"
        for number in range(1, 5)
    ]
    scripts.append("UPDATE streams SET family = 'run', state = 'Running' WHERE id = 5")
    assert refused(foreign(*scripts)) == []


def test_two_foreign_clients_never_both_append(foreign: Foreign, postgres: PostgresServer) -> None:
    running = foreign.ids["RUNNING"]
    grow = f"UPDATE streams SET size = 3, frontier = {_BLOB.format(64)} WHERE id = {running}"
    name = foreign.db.info.dbname
    with postgres.connect(name) as other, foreign.db.transaction():
        other.execute("SET search_path = aivcs")
        other.execute("SET lock_timeout = 200")
        foreign.db.execute(grow.encode())
        foreign.db.execute(entry(stream=running, seq=3).encode())
        with pytest.raises(psycopg.Error):
            other.execute(entry(stream=running, seq=3).encode())
