"""A client that knows nothing of aivcs cannot rewrite the ledger by SQL."""
# ruff: noqa: S608 - the statements are made of constants of this file

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from aivcs.domain.run import TRANSITIONS, RunStatus
from aivcs.repo import open_repo

if TYPE_CHECKING:
    from collections.abc import Callable

    Foreign = Callable[..., list[str]]

_LOGS = ("streams", "runs", "ends", "entries", "specs", "early")
_ENTRY = (
    "INSERT {or_}INTO {table} VALUES"
    " ({id}, {stream}, {seq}, 'forged', 0, 0, '{{}}', NULL, zeroblob(8))"
)
_STREAM = "INSERT {or_}INTO streams VALUES ({id}, '{family}', '{name}', {size}, {status})"
_OR = ("", "OR REPLACE ", "OR IGNORE ")


def entry(or_: str = "", table: str = "entries", **values: Any) -> str:
    return _ENTRY.format(or_=or_, table=table, **{"id": "NULL", **values})


def stream(or_: str, **values: Any) -> str:
    usual = {"id": "NULL", "family": "run", "name": "n", "size": 0, "status": "'RUNNING'"}
    return _STREAM.format(or_=or_, **{**usual, **values})


@pytest.mark.parametrize("table", _LOGS)
def test_nothing_is_deleted(filled: Any, foreign: Foreign, table: str) -> None:
    (answer,) = foreign(filled.path, f"DELETE FROM {table}")
    assert answer.startswith("aivcs: "), answer


@pytest.mark.parametrize("table", ["runs", "ends", "entries", "specs", "early"])
def test_no_row_is_changed(filled: Any, foreign: Foreign, table: str) -> None:
    columns = {
        "runs": ("stream", "spec", "agent", "tags", "git_sha", "created_at", "source"),
        "ends": ("stream", "success", "duration_ms", "final_state", "completed_at", "reason"),
        "specs": ("id", "digest", "name", "git_sha", "dirty", "manifest", "created_at"),
    }.get(table, ("id", "stream", "seq", "kind", "timestamp", "recorded_at", "body", "object"))
    scripts = [f"UPDATE {table} SET {column} = {column}" for column in columns]
    scripts += [f"UPDATE OR REPLACE {table} SET {column} = {column}" for column in columns]
    assert foreign(filled.path, *scripts) == [f"aivcs: {table} is append-only"] * len(scripts)


@pytest.mark.parametrize("or_", _OR)
def test_objects_and_references_never_change(filled: Any, foreign: Foreign, or_: str) -> None:
    state = "INSERT INTO refs VALUES (NULL, zeroblob(32), 'state', 1)"
    assert foreign(filled.path, state, keep=True) == [""]
    refused = [
        *(f"UPDATE {or_}hot SET {name} = {name}" for name in ("digest", "size", "codec", "data")),
        *(f"UPDATE {or_}refs SET {name} = {name}" for name in ("id", "digest", "role", "stream")),
        "INSERT INTO large VALUES (zeroblob(32), 1, 1, 0);UPDATE large SET size = size",
        f"INSERT {or_}INTO hot SELECT id, zeroblob(32), 1, 0, 0, x'00' FROM hot",
        f"INSERT {or_}INTO refs SELECT id, digest, 'pin', NULL FROM refs",
        "DELETE FROM refs",
        "DELETE FROM refs WHERE stream = 1",
    ]
    answers = foreign(filled.path, *refused)
    assert [a for a in answers if not a.startswith("aivcs: ")] == []
    assert foreign(
        filled.path,
        f"INSERT {or_}INTO hot SELECT NULL, digest, 1, 0, 0, x'00' FROM hot",
        f"INSERT {or_}INTO large SELECT digest, 1, 1, 0 FROM hot",
        "DELETE FROM refs WHERE stream IS NULL",
        keep=True,
    ) == ["", "", ""]
    with open_repo(filled.place) as repo:
        problems = [one.id for one in repo.verify().problems if one.kind != "gap"]
        assert problems == [repo.runs.list_runs()[-1].run_id]


@pytest.mark.parametrize("or_", _OR)
def test_no_entry_out_of_turn(filled: Any, foreign: Foreign, or_: str) -> None:
    running, completed = filled.ids["RUNNING"], filled.ids["COMPLETED"]
    release = 5
    scripts = [
        *(entry(or_, stream=running, seq=seq) for seq in (0, 1, 2, 3, 4, 9)),
        entry(or_, stream=running, seq=3, id=1),
        *(entry(or_, stream=completed, seq=seq) for seq in (1, 5, 6)),
        *(entry(or_, stream=release, seq=seq) for seq in (1, 2, 3)),
        entry(or_, stream=99, seq=1),
        f"UPDATE streams SET size = 6 WHERE id = {completed};" + entry(stream=completed, seq=6),
        f"UPDATE streams SET size = 3 WHERE id = {running};"
        + entry(or_, stream=running, seq=3, id=1),
    ]
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
    columns = (
        "spec, agent, tags, git_sha, environment, created_at, source, source_index, 'x', checksum"
    )
    again = f"INSERT {or_}INTO runs SELECT {{stream}}, {columns} FROM runs WHERE stream = 1"
    scripts = [
        stream(or_, size=1),
        stream(or_, status="'COMPLETED'"),
        stream(or_, status="NULL"),
        stream(or_, id=1, name="fresh"),
        stream(or_, family="release", name="agent", status="NULL"),
        *(again.format(stream=number) for number in (1, running, 5, 99)),
        stream(or_, id=50) + f"; INSERT {or_}INTO runs VALUES (50, zeroblob(32), 'a', '', '', '', "
        "0, NULL, NULL, NULL, zeroblob(8))",
        *(
            f"INSERT {or_}INTO ends VALUES ({n}, 1, 0, NULL, 0, '', zeroblob(8))"
            for n in (2, 3, 4, 5, 99)
        ),
        f"INSERT {or_}INTO specs SELECT id, digest, 'forged', '', 0, NULL, 0, checksum FROM specs",
    ]
    answers = foreign(filled.path, *scripts)
    allowed = ("aivcs: ", "CHECK constraint", "UNIQUE constraint")
    assert [
        (s, a) for s, a in zip(scripts, answers, strict=True) if not a.startswith(allowed)
    ] == []


def test_only_legal_moves(filled: Any, foreign: Foreign) -> None:
    words = [*(status.value for status in RunStatus), "DONE", "running"]
    scripts = [
        f"UPDATE streams SET status = '{new}' WHERE id = {filled.ids[old.value]}"
        for old in RunStatus
        for new in words
        if new != old.value
    ]
    scripts += [f"UPDATE streams SET status = NULL WHERE id = {n}" for n in range(1, 5)]
    scripts += ["UPDATE streams SET status = 'RUNNING' WHERE id = 5"]
    answers = foreign(filled.path, *scripts)
    assert [a for a in answers if not a.startswith(("aivcs: ", "CHECK constraint"))] == []
    running = filled.ids["RUNNING"]
    legal = [
        f"INSERT INTO ends VALUES ({running}, 0, 0, NULL, 0, '', zeroblob(8));"
        f"UPDATE streams SET status = '{new.value}' WHERE id = {running}"
        for new in TRANSITIONS[RunStatus.RUNNING]
    ]
    assert foreign(filled.path, *legal) == [""] * len(legal)


def test_a_stream_keeps_its_name_and_only_grows(filled: Any, foreign: Foreign) -> None:
    scripts = [
        f"UPDATE streams SET {change} WHERE id = {number}"
        for number in range(1, 6)
        for change in ("id = 77", "name = 'x'", "size = 0")
    ]
    scripts += [
        f"UPDATE streams SET family = 'release', status = NULL WHERE id = {number}"
        for number in range(1, 5)
    ]
    scripts.append("UPDATE streams SET family = 'run', status = 'RUNNING' WHERE id = 5")
    answers = foreign(filled.path, *scripts)
    assert [a for a in answers if not a.startswith("aivcs: ")] == []


def test_a_foreign_reader_is_welcome(filled: Any, foreign: Foreign) -> None:
    scripts = [f"SELECT * FROM {table}" for table in _LOGS]
    assert foreign(filled.path, *scripts, keep=True) == [""] * len(_LOGS)
    with open_repo(filled.place) as repo:
        assert repo.verify().ok
