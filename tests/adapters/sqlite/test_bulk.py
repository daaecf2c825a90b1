from __future__ import annotations

import apsw
import pytest

from aivcs.adapters.sqlite import bulk


@pytest.mark.parametrize("count", [0, 1, 49, 50, 551, 1234])
def test_any_number_of_rows_comes_and_what_is_there_stays(count: int) -> None:
    db = apsw.Connection(":memory:")
    db.execute("CREATE TABLE t (k INTEGER PRIMARY KEY, v TEXT)")
    db.execute("INSERT INTO t VALUES (3, 'old')")
    statements: list[str] = []
    db.trace_v2(apsw.SQLITE_TRACE_STMT, lambda event: statements.append(event["sql"]))
    bulk.insert(db, "INSERT INTO t (k, v)", [(number, "new") for number in range(count)])
    expected = dict.fromkeys(range(count), "new") | {3: "old"}
    assert dict(db.execute("SELECT k, v FROM t")) == expected
    assert len(statements) <= 1 + count // 500 + count % 500 // 50 + count % 50 // 10 + count % 10


@pytest.mark.parametrize("count", [0, 1, 60, 501])
def test_rows_that_must_be_new(count: int) -> None:
    db = apsw.Connection(":memory:")
    db.execute("CREATE TABLE t (k INTEGER PRIMARY KEY, v TEXT)")
    cells = [cell for number in range(count) for cell in (number, "new")]
    bulk.append(db, "INSERT INTO t (k, v)", cells, 2)
    found = db.execute("SELECT k, v FROM t").fetchall()
    assert found == [(number, "new") for number in range(count)]
    with pytest.raises(apsw.ConstraintError):
        bulk.append(db, "INSERT INTO t (k, v)", [7, "one", 7, "two"], 2)
