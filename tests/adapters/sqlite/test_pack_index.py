"""The index of packs: its guards, its rules, and how it is made anew."""
# ruff: noqa: S608 - the statements are made of constants of this file

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import apsw
import pytest

from aivcs.adapters.sqlite import SqliteLedger
from aivcs.domain.batch import Batch
from aivcs.domain.log_writes import Expiry
from aivcs.domain.pack_writes import NewPack, Packed
from aivcs.errors import CorruptionError
from aivcs.repo import open_repo
from aivcs.testing.ledger import stored
from aivcs.testing.ledger_objects import LISTED, OTHER, PACK, some
from aivcs.testing.subject import NOON
from tests.reseal import edit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_OR = ("", "OR REPLACE ", "OR IGNORE ")


@pytest.fixture
def packed(filled: Any) -> Path:
    """Return a ledger with packs, sealed objects, a lease and an expired run."""
    items = some(3)
    with open_repo(filled.place) as repo:
        ended = [run.run_id for run in repo.runs.list_runs() if run.status.terminal]
    ledger = SqliteLedger(filled.path)
    ledger.commit(
        Batch(
            objects=tuple(items),
            hold=True,
            holds=(PACK.digest,),
            packs=(LISTED, NewPack(OTHER, ((8, 90, 90),))),
            expired=(Expiry(ended[0], NOON),),
        )
    )
    moves = (Packed(item.digest, PACK.digest, 1, 50, item.size) for item in items)
    ledger.commit(Batch(moves=tuple(moves)))
    assert ledger.check() == []
    ledger.close()
    path: Path = filled.path
    return path


@pytest.mark.parametrize("or_", _OR)
def test_rows_never_change(packed: Path, foreign: Callable[..., list[str]], or_: str) -> None:
    scripts = [
        *(f"UPDATE {or_}packs SET {name} = {name}" for name in ("id", "digest", "size")),
        *(f"UPDATE {or_}blocks SET {name} = {name}" for name in ("id", "pack", "offset")),
        *(f"UPDATE {or_}sealed SET {name} = {name}" for name in ("block", "start", "lease")),
        *(f"UPDATE {or_}{table} SET lease = lease" for table in ("hot", "holds")),
        f"UPDATE {or_}leases SET token = token",
        f"UPDATE {or_}expired SET expired_at = 1",
        "DELETE FROM expired",
        f"INSERT {or_}INTO expired SELECT stream, 1, zeroblob(8) FROM expired",
        f"INSERT {or_}INTO expired VALUES (1, 1, zeroblob(8))",
        f"INSERT {or_}INTO packs SELECT id, zeroblob(32), 1, 1, 0, 0 FROM packs",
        f"INSERT {or_}INTO packs SELECT NULL, digest, 1, 1, 0, 0 FROM packs",
        f"INSERT {or_}INTO blocks SELECT id, pack, 1, 1, 1 FROM blocks",
        f"INSERT {or_}INTO sealed VALUES (zeroblob(32), 999, 0, 1, 0)",
        f"INSERT {or_}INTO leases SELECT id, 'x' FROM leases",
        f"INSERT {or_}INTO leases SELECT NULL, token FROM leases",
    ]
    answers = foreign(packed, *scripts)
    assert [
        (s, a) for s, a in zip(scripts, answers, strict=True) if not a.startswith("aivcs: ")
    ] == []


@pytest.mark.parametrize("or_", _OR)
def test_an_object_has_one_place(packed: Path, foreign: Callable[..., list[str]], or_: str) -> None:
    scripts = [
        f"INSERT {or_}INTO sealed SELECT digest, 1, 0, 1, 0 FROM hot",
        f"INSERT {or_}INTO sealed SELECT digest, 1, 0, 1, 0 FROM sealed",
        f"INSERT {or_}INTO large SELECT digest, 1, 1, 0 FROM sealed",
    ]
    assert foreign(packed, *scripts, keep=True) == [""] * 3
    ledger = SqliteLedger(packed)
    assert ledger.check() == []
    assert all(found.place for found in ledger.objects([o.digest for o in some(3)]).values())
    ledger.close()


@pytest.mark.parametrize("count", [0, 1, 70, 1234])
def test_what_is_sealed_or_large_is_not_stored_again(packed: Path, count: int) -> None:
    ledger = SqliteLedger(packed)
    large = stored(b"large")._replace(data=None)
    ledger.commit(Batch(objects=(large,)))
    sealed, new = some(3), some(count, first=3)
    done = ledger.commit(Batch(objects=(*new, *sealed, large._replace(data=b"hot"))))
    assert done.known == 4
    assert ledger.check() == []
    for tier, items in (("sealed", sealed), ("hot", new), ("large", [large])):
        found = ledger.objects([item.digest for item in items])
        assert {one.tier for one in found.values()} <= {tier}
        assert len(found) == len(items)
    ledger.close()


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("INSERT INTO sealed SELECT digest, 1, 0, 1, 0 FROM hot", "is in hot and in sealed"),
        (
            "INSERT INTO hot SELECT NULL, digest, 1, 0, 0, x'00' FROM sealed",
            "is in hot and in sealed",
        ),
        ("INSERT INTO large SELECT digest, 1, 1, 0 FROM sealed", "is in sealed and in large"),
        ("UPDATE sealed SET block = 99", "is in block 99, which is missing"),
        ("UPDATE sealed SET start = 8999", "ends behind its block 2"),
        ("UPDATE blocks SET length = 5000 WHERE id = 2", "block 2 ends behind its pack"),
        ("UPDATE blocks SET offset = 201 WHERE id = 2", "block 2 begins before block 1 ends"),
        ("UPDATE packs SET dictionary_offset = 4999", "has a dictionary behind its end"),
        ("DELETE FROM packs", "row 1 names a missing packs"),
        ("UPDATE sealed SET size = -1", "CHECK constraint failed in sealed"),
        ("UPDATE expired SET expired_at = -1", "expired at no possible time"),
    ],
)
def test_rows_that_contradict_each_other(packed: Path, statement: str, problem: str) -> None:
    edit(packed, "PRAGMA ignore_check_constraints=ON", "PRAGMA foreign_keys=OFF", statement)
    ledger = SqliteLedger(packed)
    found = ledger.check()
    assert any(problem in text for text in found), found
    ledger.close()


def test_a_changed_expiry_is_noticed(packed: Path) -> None:
    edit(packed, "UPDATE expired SET expired_at = expired_at + 1", sealed=False)
    ledger = SqliteLedger(packed)
    (stream,) = ledger._db.rows("SELECT s.name FROM expired x JOIN streams s ON s.id = x.stream")[0]
    with pytest.raises(CorruptionError, match="its checksum does not fit"):
        ledger.run(stream)
    ledger.close()


def test_an_object_whose_block_is_missing(packed: Path) -> None:
    edit(packed, "DELETE FROM blocks")
    ledger = SqliteLedger(packed)
    digest = some(1)[0].digest
    for wanted in ([digest], [digest, PACK.digest]):
        with pytest.raises(CorruptionError, match=f"the row of object {digest} cannot be"):
            ledger.objects(wanted)
    ledger.close()


def test_blocks_that_do_not_follow_one_another(packed: Path) -> None:
    edit(packed, "UPDATE blocks SET id = 50 WHERE id = 2")
    ledger = SqliteLedger(packed)
    with pytest.raises(CorruptionError, match="are not numbered without a gap"):
        ledger.listing(PACK.digest)
    ledger.close()


@pytest.mark.parametrize(
    "damage",
    [
        "SELECT 1",
        "DROP TABLE sealed",
        "DROP TABLE sealed; DROP TABLE blocks; DROP TABLE packs",
        "ALTER TABLE blocks RENAME COLUMN size TO other",
        "DELETE FROM blocks",
    ],
)
def test_the_index_is_made_anew(packed: Path, damage: str) -> None:
    edit_tables(packed, damage)
    check_new_index(packed)


def edit_tables(path: Path, statements: str) -> None:
    """Change tables with no guard in the way; the guards of missing tables are gone then."""
    database = apsw.Connection(str(path))
    guards = database.execute(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"
    ).fetchall()
    for name, _ in guards:
        database.execute(f"DROP TRIGGER {name}")
    database.execute(statements)
    tables = {name for (name,) in database.execute("SELECT name FROM sqlite_schema")}
    for _, sql in guards:
        if str(sql).split(" ON ")[1].split()[0] in tables:
            database.execute(str(sql))
    database.close()


def check_new_index(path: Path) -> None:
    item, other = some(2)
    ledger = SqliteLedger(path)
    hot = ledger.hot()
    ledger.reset_index()
    assert ledger.check() == []
    assert ledger.packs() == []
    assert ledger.digests() == sorted(found.digest for _, found in hot)
    found = tuple(Packed(one.digest, PACK.digest, 0, 0, one.size) for one in (item, other))
    ledger.commit(Batch(packs=(LISTED,), finds=found, objects=(stored(b"fresh"),)))
    assert {row.digest for row in ledger.survey() if row.pack} == {item.digest, other.digest}
    assert ledger.check() == []
    ledger.close()


def test_an_index_whose_pages_are_damaged(packed: Path) -> None:
    database = apsw.Connection(str(packed))
    pages = [
        database.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (name,)).get
        for name in ("sealed", "blocks", "packs")
    ]
    size = database.execute("PRAGMA page_size").get
    database.close()
    with packed.open("r+b") as file:
        for page in pages:
            file.seek((page - 1) * size)
            file.write(b"\xff" * size)
    ledger = SqliteLedger(packed)
    with pytest.raises(CorruptionError):
        ledger.packs()
    ledger.close()
    check_new_index(packed)
