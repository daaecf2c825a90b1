from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import apsw
import pytest

from soak.anatomy import Anatomy, Part, varint

if TYPE_CHECKING:
    from pathlib import Path

    from soak.anatomy import Region


def regions_of(path: Path, *, size: int = 512, vacuum: str = "INCREMENTAL") -> list[Region]:
    """Return what the bytes of a small file are that has one of everything."""
    db = apsw.Connection(str(path))
    db.execute(f"PRAGMA page_size={size}; PRAGMA auto_vacuum={vacuum}; PRAGMA synchronous=OFF")
    db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, n INTEGER, f REAL)")
    db.execute("CREATE INDEX by_n ON t (n, a)")
    db.execute("CREATE TABLE w (a TEXT PRIMARY KEY) WITHOUT ROWID")
    rows = [(n, f"text {n} " * (200 if n == 7 else 3), n % 3, n / 4) for n in range(1, 200)]
    with db:
        db.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", rows)
        db.executemany("INSERT INTO w VALUES (?)", [(f"key {n}",) for n in range(50)])
    db.execute("DELETE FROM t WHERE id BETWEEN 60 AND 120 OR id = 150")
    roots = dict(db.execute("SELECT name, rootpage FROM sqlite_schema WHERE rootpage > 0"))
    db.close()
    return list(Anatomy(path.read_bytes(), roots).regions())


def test_every_byte_is_in_one_region(tmp_path: Path) -> None:
    found = sorted(regions_of(tmp_path / "db"), key=lambda region: region.start)
    at = 0
    for region in found:
        assert region.start == at
        at = region.end
    assert at == (tmp_path / "db").stat().st_size
    assert {region.part for region in found} == set(Part)
    assert {region.tree for region in found} == {"", "sqlite_schema", "t", "by_n", "w"}


def test_columns_are_where_their_values_are(tmp_path: Path) -> None:
    found = regions_of(tmp_path / "db")
    data = (tmp_path / "db").read_bytes()
    texts: dict[int | None, bytes] = {}
    for region in found:
        if region.tree == "t" and region.part is Part.COLUMN and region.column == 1:
            texts[region.key] = texts.get(region.key, b"") + data[region.start : region.end]
    assert texts[3] == b"text 3 " * 3
    assert texts[7] == b"text 7 " * 200
    assert len(texts) == 199 - 61 - 1
    keys = Counter(r.key for r in found if r.tree == "by_n" and r.part is Part.POINTER)
    assert keys.keys() == {0, 1, 2}
    assert keys.total() == len(texts)


def test_a_file_without_a_map_has_none(tmp_path: Path) -> None:
    parts = {region.part for region in regions_of(tmp_path / "db", size=4096, vacuum="NONE")}
    assert Part.MAP not in parts
    assert Part.COLUMN in parts


def test_a_tree_that_is_given_twice_is_refused(tmp_path: Path) -> None:
    regions_of(tmp_path / "db")
    with pytest.raises(ValueError, match="overlap"):
        list(Anatomy((tmp_path / "db").read_bytes(), {"one": 3, "other": 3}).regions())


@pytest.mark.parametrize(
    ("data", "value", "end"),
    [(b"\x05", 5, 1), (b"\x81\x00", 128, 2), (b"\xff" * 9, 2**64 - 1, 9)],
)
def test_numbers_have_up_to_nine_bytes(data: bytes, value: int, end: int) -> None:
    assert varint(data, 0) == (value, end)
