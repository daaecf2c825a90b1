"""A client that knows nothing of aivcs cannot rewrite the ledger by SQL."""
# ruff: noqa: S608 - the statements are made of constants of this file

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from aivcs.domain.execution import NEXT, ExecutionState
from aivcs.repo import open_repo

if TYPE_CHECKING:
    from collections.abc import Callable

    Foreign = Callable[..., list[str]]

_LOGS = ("streams", "runs", "ends", "seals", "keys", "entries", "specs", "early")
_ENTRY = (
    "INSERT {or_}INTO {table} VALUES ({id}, {stream}, {seq}, 'forged', 0, 0, '{{}}', NULL,"
    " zeroblob(16), NULL, zeroblob(8))"
)
_STREAM = (
    "INSERT {or_}INTO streams (id, family, name, size, state, epoch, holder, deadline)"
    " VALUES ({id}, '{family}', '{name}', {size}, {state}, {epoch}, {holder}, {deadline})"
)
_END = (
    "INSERT {or_}INTO ends VALUES ({stream}, {success}, 0, NULL, 0, '', zeroblob(32), zeroblob(8))"
)
_ERASED = "body = NULL, object = NULL, salt = NULL, commitment = zeroblob(32)"
_BEGIN = (ExecutionState.CREATED, ExecutionState.RUNNING)
_OR = ("", "OR REPLACE ", "OR IGNORE ")


def entry(or_: str = "", table: str = "entries", **values: Any) -> str:
    return _ENTRY.format(or_=or_, table=table, **{"id": "NULL", **values})


def stream(or_: str, **values: Any) -> str:
    usual = {"id": "NULL", "family": "run", "name": "n", "size": 0, "state": "'Running'"}
    usual |= {"epoch": 0, "holder": "NULL", "deadline": "NULL"}
    return _STREAM.format(or_=or_, **{**usual, **values})


@pytest.mark.parametrize("table", _LOGS)
def test_nothing_is_deleted(filled: Any, foreign: Foreign, table: str) -> None:
    (answer,) = foreign(filled.path, f"DELETE FROM {table}")
    assert answer.startswith("aivcs: "), answer


@pytest.mark.parametrize("table", ["runs", "ends", "seals", "keys", "specs"])
def test_no_row_is_changed(filled: Any, foreign: Foreign, table: str) -> None:
    columns = {
        "runs": ("stream", "spec", "agent", "tags", "git_sha", "created_at", "source"),
        "ends": ("stream", "success", "duration_ms", "final_state", "completed_at", "reason"),
        "seals": ("id", "stream", "hash"),
        "keys": ("stream", "key", "seq", "count"),
        "specs": ("id", "digest", "name", "git_sha", "dirty", "manifest", "created_at"),
    }[table]
    scripts = [f"UPDATE {table} SET {column} = {column}" for column in columns]
    scripts += [f"UPDATE OR REPLACE {table} SET {column} = {column}" for column in columns]
    assert foreign(filled.path, *scripts) == [f"aivcs: {table} is append-only"] * len(scripts)


@pytest.mark.parametrize("table", ["entries", "early"])
def test_of_an_entry_only_the_body_of_an_ended_run_goes(
    filled: Any, foreign: Foreign, table: str
) -> None:
    columns = ("id", "stream", "seq", "kind", "timestamp", "recorded_at", "body", "salt")
    failed, running = filled.ids["FAILED"], filled.ids["RUNNING"]
    erase = f"UPDATE {table} SET {_ERASED}"
    scripts = [
        *(f"UPDATE {or_}{table} SET {name} = {name}" for name in columns for or_ in ("", _OR[1])),
        *(f"{erase}, {name} = {name} || 1 WHERE stream = {failed}" for name in columns[1:6]),
        f"{erase}, checksum = zeroblob(8) WHERE stream = {failed}",
        f"{erase}, commitment = NULL WHERE stream = {failed}",
        f"UPDATE {table} SET commitment = zeroblob(32) WHERE stream = {failed}",
        f"UPDATE {table} SET body = 'forged', commitment = NULL WHERE stream = {failed}",
        f"{erase} WHERE stream = {running}",
        f"{erase} WHERE stream = {failed};{erase} WHERE stream = {failed}",
    ]
    if table == "entries":
        scripts.append(f"{erase} WHERE stream = 5")
    answers = foreign(filled.path, *scripts)
    assert [a for a in answers if not a.startswith("aivcs: ")] == []
    assert foreign(filled.path, f"{erase} WHERE stream = {failed}") == [""]


@pytest.mark.parametrize("or_", _OR)
def test_objects_and_references_never_change(filled: Any, foreign: Foreign, or_: str) -> None:
    state = "INSERT INTO refs VALUES (NULL, zeroblob(32), 'state', 1)"
    assert foreign(filled.path, state, keep=True) == [""]
    refused = [
        *(f"UPDATE {or_}hot SET {name} = {name}" for name in ("digest", "size", "codec", "data")),
        *(f"UPDATE {or_}refs SET {name} = {name}" for name in ("id", "digest", "role", "stream")),
        "INSERT INTO large VALUES (zeroblob(32), 1, 1, 0);UPDATE large SET size = size",
        f"INSERT {or_}INTO refs SELECT id, digest, 'pin', NULL FROM refs",
        "DELETE FROM refs",
        "DELETE FROM refs WHERE stream = 1",
    ]
    answers = foreign(filled.path, *refused)
    assert [a for a in answers if not a.startswith("aivcs: ")] == []
    assert foreign(
        filled.path,
        f"INSERT {or_}INTO large SELECT digest, 1, 1, 0 FROM hot",
        "DELETE FROM refs WHERE stream IS NULL",
        keep=True,
    ) == ["", ""]
    with open_repo(filled.place) as repo:
        problems = [one.id for one in repo.verify().problems if one.kind != "gap"]
        assert problems == [repo.runs.list_runs()[-1].run_id]


@pytest.mark.parametrize("or_", _OR)
@pytest.mark.parametrize("cells", ["id, zeroblob(32)", "NULL, digest"])
def test_a_hot_object_that_is_replaced_is_named(
    filled: Any, foreign: Foreign, or_: str, cells: str
) -> None:
    script = f"INSERT {or_}INTO hot SELECT {cells}, 1, 0, 0, x'00' FROM hot LIMIT 1"
    (answer,) = foreign(filled.path, script, keep=True)
    assert answer.startswith("UNIQUE constraint failed") == (not or_)
    with open_repo(filled.place) as repo:
        damaged = any(one.kind == "object" for one in repo.verify().problems)
    assert damaged == ("REPLACE" in or_)


@pytest.mark.parametrize("or_", _OR)
def test_no_entry_out_of_turn(filled: Any, foreign: Foreign, or_: str) -> None:
    running, completed = filled.ids["RUNNING"], filled.ids["COMPLETED"]
    release, grown = 5, "size = {0}, frontier = zeroblob(64)"
    scripts = [
        *(entry(or_, stream=running, seq=seq) for seq in (0, 1, 2, 3, 4, 9)),
        *(entry(or_, stream=running, seq=3, id=number) for number in (1, 0, -1)),
        *(entry(or_, stream=completed, seq=seq) for seq in (1, 5, 6)),
        *(entry(or_, stream=release, seq=seq) for seq in (1, 2, 3)),
        entry(or_, stream=99, seq=1),
        f"UPDATE streams SET {grown.format(6)} WHERE id = {completed};"
        + entry(stream=completed, seq=6),
        f"UPDATE streams SET {grown.format(3)} WHERE id = {running};"
        + entry(or_, stream=running, seq=3, id=1),
        (
            f"UPDATE streams SET {grown.format(3)} WHERE id = {running};"
            f"INSERT {or_}INTO entries VALUES (NULL, {running}, 3, 'forged', 0, 0, NULL,"
            " NULL, NULL, zeroblob(32), zeroblob(8))"
        ),
    ]
    grow = f"UPDATE streams SET {grown.format(3)} WHERE id = {running};"
    if or_ != "OR IGNORE ":  # which leaves the row out without a word
        scripts.append(grow + entry(or_, stream=running, seq=3, id=-1))
    answers = foreign(filled.path, *scripts)
    assert [a for a in answers if not a.startswith(("aivcs: ", "CHECK constraint"))] == []


@pytest.mark.parametrize("or_", _OR)
def test_nothing_waits_out_of_turn(filled: Any, foreign: Foreign, or_: str) -> None:
    running, failed = filled.ids["RUNNING"], filled.ids["FAILED"]
    scripts = [
        *(entry(or_, "early", stream=running, seq=seq) for seq in (1, 2, 3, 4, 5)),
        entry(or_, "early", stream=running, seq=9, id=1),
        entry(or_, "early", stream=failed, seq=9),
        entry(or_, "early", stream=5, seq=9),
        f"DELETE FROM early WHERE stream = {running} AND seq = 4",
    ]
    answers = foreign(filled.path, *scripts)
    assert [a for a in answers if not a.startswith(("aivcs: ", "CHECK constraint"))] == []


@pytest.mark.parametrize("or_", _OR)
def test_no_second_run_stream_end_or_spec(filled: Any, foreign: Foreign, or_: str) -> None:
    running = filled.ids["RUNNING"]
    ended = [number for status, number in filled.ids.items() if status != "RUNNING"]
    columns = (
        "spec, agent, tenant, tags, git_sha, environment, created_at,"
        " source, source_index, 'x', checksum"
    )
    again = f"INSERT {or_}INTO runs SELECT {{stream}}, {columns} FROM runs WHERE stream = 1"
    scripts = [
        stream(or_, size=1),
        *(stream(or_, state=f"'{one}'") for one in ExecutionState if one not in _BEGIN),
        stream(or_, state="NULL"),
        stream(or_, epoch=1),
        stream(or_, epoch=1, holder="'h'", deadline=0),
        stream(or_, id=1, name="fresh"),
        stream(or_, family="release", name="agent", state="NULL"),
        *(again.format(stream=number) for number in (1, running, 5, 99)),
        stream(or_, id=50)
        + f"; INSERT {or_}INTO runs VALUES (50, zeroblob(32), 'a', NULL, '', '', "
        "'', 0, NULL, NULL, NULL, zeroblob(8))",
        *(_END.format(or_=or_, stream=number, success=1) for number in (*ended, 5, 99)),
        *(
            f"INSERT {or_}INTO seals VALUES ({number}, {of}, zeroblob(32))"
            for number, of in ((4, running), (4, ended[0]), (4, 5), (5, 99), (1, ended[0]))
        ),
        f"INSERT {or_}INTO keys VALUES ({running}, 'once', 2, 1)",
        f"INSERT {or_}INTO keys VALUES ({running}, 'beyond', 2, 2)",
        f"INSERT {or_}INTO keys VALUES ({ended[0]}, 'late', 1, 1)",
        f"INSERT {or_}INTO specs SELECT id, digest, 'forged', '', 0, NULL, 0, checksum FROM specs",
    ]
    answers = foreign(filled.path, *scripts)
    allowed = ("aivcs: ", "CHECK constraint", "UNIQUE constraint")
    assert [
        (s, a) for s, a in zip(scripts, answers, strict=True) if not a.startswith(allowed)
    ] == []


def _move(stream: int, state: str) -> str:
    wait = "'approval'" if state == "Waiting" else "NULL"
    return f"UPDATE streams SET state = '{state}', wait = {wait} WHERE id = {stream}"


def _begun(state: ExecutionState) -> str:
    """Return how a stream of number 50 comes to a state, and a row of ends for it."""
    way = [ExecutionState.RUNNING, state]
    if state in {ExecutionState.CREATED, ExecutionState.PLANNING}:
        way = [ExecutionState.CREATED, state]
    end = _END.format(or_="", stream=50, success=0)
    run = (
        "INSERT INTO runs SELECT 50, spec, agent, tenant, tags, git_sha, environment, created_at,"
        " NULL, NULL, NULL, checksum FROM runs WHERE stream = 1"
    )
    begin = [stream("", id=50, state=f"'{way[0]}'"), run, end]
    return ";".join([*begin, *(_move(50, state) for _ in range(way[0] is not state))])


def test_only_legal_moves(filled: Any, foreign: Foreign) -> None:
    running = filled.ids["RUNNING"]
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
    scripts += ["UPDATE streams SET state = 'Running' WHERE id = 5"]
    scripts += [_move(running, new) for new in NEXT[ExecutionState.RUNNING] if new.terminal]
    scripts += [
        f"{_move(running, 'Waiting')};UPDATE streams SET wait = 'external' WHERE id = {running}",
        f"UPDATE streams SET status = 'COMPLETED' WHERE id = {running}",
    ]
    answers = foreign(filled.path, *scripts)
    allowed = ("aivcs: ", "CHECK constraint", "cannot UPDATE generated column")
    assert [
        (s, a) for s, a in zip(scripts, answers, strict=True) if not a.startswith(allowed)
    ] == []
    assert foreign(filled.path, *(moves[move] for move in legal)) == [""] * len(legal)


def test_a_lease_has_a_new_epoch_for_each_holder(filled: Any, foreign: Foreign) -> None:
    running = filled.ids["RUNNING"]
    take = f"UPDATE streams SET epoch = 3, holder = 'ann', deadline = 9 WHERE id = {running}"
    change = f"{take};UPDATE streams SET {{}} WHERE id = {running}"
    scripts = [
        *(change.format(what) for what in ("epoch = 2", "holder = 'bob'", "holder = NULL")),
        *(change.format(what) for what in ("deadline = NULL", "epoch = 2, holder = 'bob'")),
        (
            f"{take};{_END.format(or_='', stream=running, success=0)};"
            f"UPDATE streams SET state = 'Failed' WHERE id = {running}"
        ),
        f"UPDATE streams SET epoch = 1 WHERE id = {filled.ids['FAILED']}",
    ]
    answers = foreign(filled.path, *scripts)
    assert [a for a in answers if not a.startswith(("aivcs: ", "CHECK constraint"))] == []
    legal = ["deadline = 10", "holder = NULL, deadline = NULL", "epoch = 4, holder = 'bob'"]
    assert foreign(filled.path, *(change.format(what) for what in legal)) == [""] * 3


def test_a_stream_keeps_its_name_and_only_grows(filled: Any, foreign: Foreign) -> None:
    scripts = [
        f"UPDATE streams SET {change} WHERE id = {number}"
        for number in range(1, 6)
        for change in ("id = 77", "name = 'x'", "size = 0", "frontier = zeroblob(32)", "size = 9")
    ]
    scripts += [
        f"UPDATE streams SET family = 'release', state = NULL WHERE id = {number}"
        for number in range(1, 5)
    ]
    scripts.append("UPDATE streams SET family = 'run', state = 'Running' WHERE id = 5")
    answers = foreign(filled.path, *scripts)
    assert [a for a in answers if not a.startswith("aivcs: ")] == []


def test_a_foreign_reader_is_welcome(filled: Any, foreign: Foreign) -> None:
    scripts = [f"SELECT * FROM {table}" for table in _LOGS]
    assert foreign(filled.path, *scripts, keep=True) == [""] * len(_LOGS)
    with open_repo(filled.place) as repo:
        assert repo.verify().ok
