"""The page on the format names what is really on disk."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import apsw
import pytest

import aivcs
from aivcs.adapters.files import config, directory
from aivcs.adapters.sqlite import identity, schema
from aivcs.domain import stored, strictjson
from aivcs.services import bodies, large
from tests.docs.markdown import DOCS, table

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (DOCS / "format.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("format")
    aivcs.init(place).close()
    return place / ".aivcs" / "aivcs.db"


def _query(database: Path, sql: str) -> list[tuple[str, ...]]:
    connection = apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return [tuple(str(value) for value in row) for row in connection.execute(sql)]
    finally:
        connection.close()


def _names(cells: list[list[str]], column: int = 0) -> list[str]:
    return [name for row in cells for name in re.findall(r"`([^`]+)`", row[column])]


def test_every_table_and_column_is_described(database: Path) -> None:
    described = {
        name: [(column.strip("`"), kind) for column, kind, _ in table(PAGE, f"### Table `{name}`")]
        for name in re.findall(r"^### Table `(\w+)`$", PAGE, re.MULTILINE)
    }
    real: dict[str, list[tuple[str, ...]]] = {}
    sql = (
        "SELECT t.name, c.name, c.type FROM pragma_table_list t, pragma_table_xinfo(t.name) c"
        " WHERE t.schema = 'main' AND t.name NOT LIKE 'sqlite_%' ORDER BY t.name, c.cid"
    )
    for name, *column in _query(database, sql):
        real.setdefault(name, []).append(tuple(column))
    assert described == real


@pytest.mark.parametrize(("kind", "heading"), [("index", "Indexes"), ("trigger", "Triggers")])
def test_every_index_and_trigger_is_described(database: Path, kind: str, heading: str) -> None:
    sql = f"SELECT name FROM sqlite_schema WHERE type = '{kind}' AND sql IS NOT NULL"  # noqa: S608
    real = sorted(name for (name,) in _query(database, sql))
    assert sorted(_names(table(PAGE, f"### {heading}"))) == real


def test_indexes_are_on_the_columns_named(database: Path) -> None:
    sql = "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL"
    rows = {row[0].strip("`"): row[1:] for row in table(PAGE, "### Indexes")}
    for name, text in _query(database, sql):
        on, unique = rows[name]
        assert f" ON {on.strip('`')}" in text
        assert (unique == "yes") == text.startswith("CREATE UNIQUE")


def test_header_and_limits(database: Path) -> None:
    stated = {
        row[0].strip("`"): row[1].split()[0].rstrip(",") for row in table(PAGE, "## The ledger")
    }
    found = {key: _query(database, f"PRAGMA {key}")[0][0] for key in stated}
    assert stated == found == {"application_id": str(identity.APPLICATION_ID), "user_version": "3"}
    assert f"at most {stored.HOT_LIMIT:,} bytes" in PAGE
    assert f"at most {bodies.INLINE_LIMIT} bytes" in PAGE
    assert f"at most {strictjson.MAX_DEPTH} lists and objects" in PAGE
    assert f"chunks of {large.CHUNK_SIZE:,} bytes" in PAGE
    assert f"`{large.MAGIC.decode()}`" in PAGE
    assert f"`0x{large.SKIPPABLE:X}`" in PAGE
    assert _query(database, "PRAGMA page_size") == [("8192",)]
    assert _query(database, "PRAGMA auto_vacuum") == [("2",)]


def test_keys_of_the_configuration(database: Path) -> None:
    keys = [f"{name}.{key}" for name, found in config.KEYS.items() for key in sorted(found)]
    rows = table(PAGE, "## config.toml")
    assert sorted(_names(rows)) == sorted([*keys, config.GATES])
    values = {row[0].strip("`"): re.findall(r"`([^`]+)`", row[2]) for row in rows}
    assert values["ledger.durability"] == list(config.DURABILITIES)
    written = (database.parent / "config.toml").read_text(encoding="utf-8").split("\n", 1)[1]
    assert f"```toml\n{written}```" in PAGE
    assert f"format **{directory.FORMAT}**" in PAGE
    newest = table(PAGE, "## Versions of the format")[-1]
    assert newest[:2] == [str(directory.FORMAT), str(identity.VERSION)]
    assert len(schema.MIGRATIONS) == identity.VERSION
