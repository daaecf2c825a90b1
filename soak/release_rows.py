"""Every row that releases rest on, edited by somebody who has the ledger's file, in each column.

He takes the guards away. ``raw`` changes the row alone; ``mended`` computes its checksum again;
``whole`` also the trees of the release logs and their sizes; ``forged`` also takes away what was
published, so that it is published anew. Then the ledger is verified by itself, and against a
checkpoint of each public log that somebody else kept.
"""
# ruff: noqa: S608 - the statements are made of the names of tables and columns

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import apsw

from aivcs.adapters.forks import spread
from aivcs.domain.checksum import COLUMNS, LENGTH, checksum
from aivcs.domain.commitment import stored_leaf
from aivcs.domain.log_rows import ENTRY
from aivcs.domain.merkle import Frontier
from aivcs.domain.published import CHECKPOINT, LOGS
from aivcs.errors import AivcsError
from aivcs.repo import open_repo
from soak import exhibit
from soak.result import Result

if TYPE_CHECKING:
    from collections.abc import Iterator

    from soak.exhibit import Questions, Shown

    Row = dict[str, Any]

TABLES: Final = ("entries", "release_log", "streams", "specs", "seals", "runs", "ends")
HOWS: Final = ("raw", "mended", "whole", "forged")
_FREE: Final = frozenset({"epoch", "holder", "deadline", "status"})
"""Who holds a run is no evidence; what is computed is not stored."""
_COVERED: Final = {**COLUMNS, "entries": ENTRY.removesuffix(", checksum")}
_CHUNK: Final = 50
_KEPT: Final = 20
_IMPOSSIBLE: Final = (apsw.ConstraintError, apsw.MismatchError, ValueError, AttributeError)
"""What the tables' own rules and the form of a row raise."""

_KEYS: Final = {"runs": "stream", "ends": "stream"}


class Edit(NamedTuple):
    """What is done to the row at a place of a table, and how much of the rest is made to fit.

    ``what`` is ``deleted``, ``swapped`` (with the next row), ``inserted`` (again, behind all
    others), or else the name of a column; ``choice`` tells which other value it gets.
    """

    table: str
    place: int
    what: str
    choice: int
    how: str


def run(seed: int, share: float) -> Result:
    """Make a share of all edits."""
    begun = time.monotonic()
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="aivcs-release-rows-") as made:
        folder = Path(made)
        with exhibit.keyring(folder / "keys"):
            first = Edited(folder / "pattern", exhibit.make(folder / "pattern"))
            edits = list(first.choose(Random(seed), share))
            chunks = [edits[start : start + _CHUNK] for start in range(0, len(edits), _CHUNK)]

            def work(number: int) -> list[tuple[Edit, str]]:
                place = folder / str(number)
                one = first.moved(shutil.copytree(folder / "pattern", place))
                found = [(edit, one.tried(edit)) for edit in chunks[number]]
                shutil.rmtree(place)
                return found

            with spread(work, len(chunks)) as done:
                for _, tried in done:
                    counts.update(what.partition(":")[0] for _, what in tried)
                    wrong += [f"{edit}: {what}" for edit, what in tried if what[:5] == "wrong"]
    told = {"edits": counts.total() - counts["none"], **dict(sorted(counts.items()))}
    return Result("release-rows", seed, time.monotonic() - begun, told, tuple(wrong[:_KEPT]))


@dataclass(slots=True)
class Edited:
    """A repository whose rows are edited, and put back."""

    place: Path
    shown: Shown
    ask: Questions
    truth: dict[str, object]
    saved: dict[str, str]
    files: dict[Path, bytes]
    rows: dict[str, list[Row]]

    def __init__(self, place: Path, shown: Shown) -> None:
        """Ask everything while it is true."""
        self.place = place
        self.shown = shown
        self.ask = exhibit.Questions(shown)
        with open_repo(place, upward=False) as repo:
            self.truth = self.ask.answers(repo)
            self.saved = {log: (self._home / "log" / log / CHECKPOINT).read_text() for log in LOGS}
            self.saved["ledger"] = repo.verify(objects=False, keep=True).saved.text()  # type: ignore[union-attr]
        database = self._database()
        self.rows = {table: _rows(database, table) for table in TABLES}
        database.close()
        self.files = self._found()

    @property
    def _home(self) -> Path:
        return self.place / ".aivcs"

    def moved(self, place: Path) -> Edited:
        """Return the same over a copy at another place."""
        other = object.__new__(Edited)
        for name in Edited.__slots__:
            setattr(other, name, place if name == "place" else getattr(self, name))
        return other

    def choose(self, dice: Random, share: float) -> Iterator[Edit]:
        """Yield a share of the edits."""
        for table, rows in self.rows.items():
            for place, row in enumerate(rows):
                asked = [("deleted", 0), ("swapped", 0), ("inserted", 0)]
                asked += [
                    (column, choice)
                    for column in row
                    if column not in _FREE
                    for choice in range(len(self._others(table, place, column)))
                ]
                for what, choice in asked:
                    for how in HOWS:
                        computed = what == "checksum" and how != HOWS[0]
                        if not computed and dice.random() < share:
                            yield Edit(table, place, what, choice, how)

    def tried(self, edit: Edit) -> str:
        """Make an edit, say what became of it, and put everything back."""
        try:
            return self._judged(edit) if self._made(edit) else "none"
        except Exception as error:  # noqa: BLE001 - whatever else is raised is a finding
            return f"wrong: {type(error).__name__}: {error}"
        finally:
            self._put_back()

    def _judged(self, edit: Edit) -> str:
        names = self._names(edit)
        for against in (None, *self.saved):
            try:
                with open_repo(self.place, upward=False) as repo:
                    saved = None if against is None else self.saved[against]
                    report = repo.verify(objects=False, against=saved)
            except AivcsError as error:
                return f"refused: {error.message}"
            texts = [f"{one.id} {one.detail}" for one in report.problems]
            if not report.ok:
                if not any(name in text for name in names for text in texts):
                    return f"wrong: none of {names} is named: {texts[:3]}"
                of = {None: "itself", "ledger": "what was saved"}.get(against, "a checkpoint")
                return f"{edit.how}, named against {of}"
        with open_repo(self.place, upward=False) as repo:
            found = self.ask.answers(repo)
        other = [name for name, answer in found.items() if answer not in {None, self.truth[name]}]
        if other and not self._is_addition(edit):
            return f"wrong: something else is returned: {other}"
        silent = [name for name, answer in found.items() if answer != self.truth[name]]
        if self._is_addition(edit):
            return f"{edit.how}, an addition like any other"
        return f"{edit.how}, refused by reads only" if silent else f"{edit.how}, without effect"

    @staticmethod
    def _is_addition(edit: Edit) -> bool:
        """Tell whether anybody who may write could have done the same by a call."""
        if edit.table == "entries":
            return edit.what == "inserted" and edit.how in {"whole", "forged"}
        noted = {"inserted", "git_sha", "dirty", "manifest", "name", "created_at"}
        return edit.table == "specs" and edit.what in noted

    def _names(self, edit: Edit) -> tuple[str, ...]:
        """Return what a problem may name: log, spec or table of the row, or a published file."""
        row = self.rows[edit.table][edit.place]
        stream = row.get("stream", row["id"] if edit.table == "streams" else None)
        by = {one["id"]: str(one["name"]) for one in self.rows["streams"]}
        named = [by[stream]] if stream in by else []
        if edit.table == "specs":
            named += [row["digest"].hex(), "is no spec"]
        return (*named, edit.table, "log/releases", "log/runs", "log of releases")

    def _made(self, edit: Edit) -> bool:
        database = self._database()
        database.execute("PRAGMA synchronous=OFF")
        database.execute("PRAGMA foreign_keys=OFF")
        guards = database.execute(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"
        ).fetchall()
        try:
            with database:
                for name, _ in guards:
                    database.execute(f"DROP TRIGGER {name}")
                if not self._edit(database, edit):
                    return False
                if edit.how in {"whole", "forged"}:
                    _make_whole(database)
                for _, guard in guards:
                    database.execute(str(guard))
        except _IMPOSSIBLE:
            return False
        finally:
            database.close()
        if edit.how == "forged":
            shutil.rmtree(self._home / "log")
        return True

    def _edit(self, database: apsw.Connection, edit: Edit) -> bool:
        table, rows = edit.table, self.rows[edit.table]
        key = _KEYS.get(table, "id")
        row = rows[edit.place]
        if edit.what == "deleted":
            database.execute(f"DELETE FROM {table} WHERE {key} = ?", (row[key],))
            return True
        if edit.what == "inserted":
            new = {**row, key: max(one[key] for one in rows) + 1}
            if table in {"entries", "release_log"} and row["seq"] is not None:
                mine = [one["seq"] for one in rows if one["stream"] == row["stream"]]
                new["seq"] = max(mine) + 1
            _insert(database, table, _sealed(table, new, edit.how))
            return True
        pair: tuple[Row, ...]
        if edit.what == "swapped":
            if edit.place + 1 == len(rows):
                return False
            other = rows[edit.place + 1]
            kept = {"id", "stream", "seq"} & row.keys() if table == "entries" else {key}
            pair = (
                {**other, **{one: row[one] for one in kept}},
                {**row, **{one: other[one] for one in kept}},
            )
        else:
            value = self._others(table, edit.place, edit.what)[edit.choice]
            pair = ({**row, edit.what: value},)
            other = row
        for one in {row[key], other[key]}:
            database.execute(f"DELETE FROM {table} WHERE {key} = ?", (one,))
        for new in pair:
            _insert(database, table, _sealed(table, new, edit.how))
        return pair[0] != row

    def _others(self, table: str, place: int, column: str) -> list[Any]:
        """Return other values for a cell: another row's, one close to it, nothing."""
        value = self.rows[table][place][column]
        near = [row[column] for row in self.rows[table] if row[column] not in {None, value}][-1:]
        if column == "body" and value is not None:
            return [*near, *_bodies(value, [row["digest"].hex() for row in self.rows["specs"]])]
        if isinstance(value, int):
            near += [value + 1, value - 1]
        elif isinstance(value, bytes) and value:
            near += [bytes([value[0] ^ 1]) + value[1:], value[:-1] + bytes([value[-1] ^ 0x80])]
        elif isinstance(value, str):
            near += [f"{value}x", value[:-1]]
        return [*near, None]

    def _database(self) -> apsw.Connection:
        return apsw.Connection(str(self._home / "aivcs.db"))

    def _found(self) -> dict[Path, bytes]:
        return {
            path.relative_to(self._home): path.read_bytes()
            for path in self._home.rglob("*")
            if path.is_file() and path.suffix not in {".db-wal", ".db-shm"}
        }

    def _put_back(self) -> None:
        for path in list(self._home.rglob("*")):
            if path.is_file() and path.relative_to(self._home) not in self.files:
                path.unlink()
        for name, data in self.files.items():
            path = self._home / name
            if not path.is_file() or path.read_bytes() != data:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)


def _rows(database: apsw.Connection, table: str) -> list[Row]:
    names = [name for (name,) in database.execute(f"SELECT name FROM pragma_table_info('{table}')")]
    found = database.execute(f"SELECT {', '.join(names)} FROM {table} ORDER BY 1").fetchall()
    return [dict(zip(names, cells, strict=True)) for cells in found]


def _insert(database: apsw.Connection, table: str, row: Row) -> None:
    marks = ", ".join("?" * len(row))
    database.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", (*row.values(),))


def _sealed(table: str, row: Row, how: str) -> Row:
    """Return a row with the checksum that it should have then."""
    if how == "raw" or table not in _COVERED:
        return row
    covered = [row[name.strip()] for name in _COVERED[table].split(",")]
    if table == "entries":
        return {**row, "checksum": stored_leaf(*covered)[:LENGTH]}
    return {**row, "checksum": checksum(*covered)}


def _bodies(body: str, specs: list[str]) -> Iterator[str]:
    """Yield a release's body with one of its fields changed."""
    said = json.loads(body)
    for key in said if "spec_digest" in said else ():
        changed = {**said, key: "another" if isinstance(said[key], str | None) else None}
        if key == "spec_digest":
            changed[key] = next(spec for spec in specs if spec != said[key])
        elif isinstance(said[key], int):
            changed[key] = said[key] - 1
        yield json.dumps(changed, separators=(",", ":"))


def _make_whole(database: apsw.Connection) -> None:
    """Let sizes, trees and numbers of the release logs be as if it had always been so."""
    streams = database.execute("SELECT id FROM streams WHERE family = 'release'").fetchall()
    for (stream,) in streams:
        select = f"SELECT id, {_COVERED['entries']} FROM entries WHERE stream = ? ORDER BY seq"
        rows: list[Any] = database.execute(select, (stream,)).fetchall()
        leaves = []
        for seq, (number, old, *cells) in enumerate(rows, 1):
            leaf = stored_leaf(seq, *cells)
            leaves.append(leaf)
            if old != seq:
                mended = (seq, leaf[:LENGTH], number)
                database.execute("UPDATE entries SET seq = ?, checksum = ? WHERE id = ?", mended)
        tree = Frontier().grown(leaves)
        database.execute(
            "UPDATE streams SET size = ?, frontier = ? WHERE id = ?",
            (tree.size, tree.packed(), stream),
        )
        database.execute(
            "DELETE FROM release_log WHERE stream = ? AND seq > ?", (stream, tree.size)
        )
        known = database.execute("SELECT seq FROM release_log WHERE stream = ?", (stream,))
        for seq in set(range(1, tree.size + 1)) - {seq for (seq,) in known.fetchall()}:
            database.execute(
                "INSERT INTO release_log (id, stream, seq) SELECT max(id) + 1, ?, ? FROM"
                " release_log",
                (stream, seq),
            )
    for new, (old,) in enumerate(
        database.execute("SELECT id FROM release_log ORDER BY id").fetchall(), 1
    ):
        database.execute("UPDATE release_log SET id = ? WHERE id = ?", (new, old))
