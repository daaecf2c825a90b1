"""Every row of a ledger edited, deleted and moved by somebody who has the file.

The guards are taken away first, and the checksum of an edited row is mended every other
time. Each time what the library returns is what it was, or a verification against a saved
root names the damage: for an event that was deleted or edited the run and, unless its own
checksum was mended, the event.
"""
# ruff: noqa: S608 - the statements are made of the names of tables and columns

from __future__ import annotations

import shutil
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Final

import apsw

from aivcs.adapters.forks import spread
from aivcs.domain.checksum import COLUMNS, LENGTH, checksum
from aivcs.domain.commitment import stored_leaf
from aivcs.domain.run import RunMetadata, RunStatus
from aivcs.errors import AivcsError
from aivcs.repo import init, open_repo
from aivcs.testing.subject import add_spec, by, end, note
from soak.result import Result

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.domain.saved import Saved

_RUNS: Final = 20
_ENDED: Final = (2, 3)
_PURGED: Final = (2, 12)
_EVENTS: Final = 10_000
_CHUNK: Final = 100
_HALF: Final = 0.5
_KEPT: Final = 20
_ENTRY: Final = "seq, kind, timestamp, recorded_at, body, object, salt, commitment"
_SEALED: Final = {**COLUMNS, "entries": _ENTRY, "early": _ENTRY}
TABLES: Final = ("streams", "runs", "ends", "seals", "keys", "early", "entries")
_MOVED: Final = {"early": "seq", "seals": "id", "ends": "stream", "keys": "seq"}
_FREE: Final = frozenset({"epoch", "holder", "deadline", "status", "checksum"})
"""Who holds a run is no evidence; what is computed is not stored."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of the row at a place of a table: of a column, else it is deleted or moved."""

    table: str
    place: int
    column: str | None
    mended: bool
    deleted: bool = False


def run(seed: int, share: float) -> Result:
    """Try an edit of each row, or of a share of them, in a ledger of 10,000 events."""
    begun = time.monotonic()
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="aivcs-tampering-") as folder:
        pattern = Path(folder, "pattern")
        make(pattern, _EVENTS)
        first = Tampered(pattern)
        edits = list(first.choose(Random(seed), share))
        first.close()
        chunks = [edits[start : start + _CHUNK] for start in range(0, len(edits), _CHUNK)]

        def work(number: int) -> list[tuple[Edit, str]]:
            place = Path(folder, str(number))
            ledger = Tampered(shutil.copytree(pattern, place))
            tried = [(edit, ledger.tried(edit)) for edit in chunks[number]]
            ledger.close()
            shutil.rmtree(place)
            return tried

        with spread(work, len(chunks)) as done:
            for _, tried in done:
                counts.update(outcome.partition(":")[0] for _, outcome in tried)
                wrong += [f"{e}: {what}" for e, what in tried if what.startswith("wrong")]
    seconds = time.monotonic() - begun
    return Result("tampering", seed, seconds, dict(counts), tuple(wrong[:_KEPT]))


class Tampered:
    """A repository whose ledger is edited, judged and mended again."""

    def __init__(self, place: Path) -> None:
        self._place = place
        with open_repo(place) as repo:
            saved = repo.verify(objects=False, keep=True).saved
        if saved is None:
            msg = "a whole verification says what there is"
            raise RuntimeError(msg)
        self._saved: Saved = saved
        self._truth = told(place)
        self._db = apsw.Connection(str(place / ".aivcs" / "aivcs.db"))
        self._db.execute("PRAGMA synchronous=OFF")
        self._guards = self._db.execute(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"
        ).fetchall()
        self._names: dict[Any, str] = {
            number: str(name) for number, name in self._db.execute("SELECT id, name FROM streams")
        }
        self._at: tuple[Any, Any] = (0, 0)

    def choose(self, dice: Random, share: float) -> Iterator[Edit]:
        """Yield an edit of each row, or of a share of them, and at least one of each kind."""
        for table in TABLES:
            rows = range(self._number(f"SELECT count(*) FROM {table}"))
            about = self._db.execute(f"SELECT name FROM pragma_table_info('{table}')").fetchall()
            kinds: list[tuple[str | None, bool]] = [(None, True), (None, False)]
            kinds += [(str(name), False) for (name,) in about if name not in _FREE]
            wanted = [(dice.choice(rows), kind) for kind in kinds]
            wanted += [(row, dice.choice(kinds)) for row in rows if dice.random() < share]
            for row, (column, deleted) in wanted:
                yield Edit(table, row, column, dice.random() < _HALF, deleted)

    def _number(self, query: str) -> int:
        return int(self._db.execute(query).get)

    def tried(self, edit: Edit) -> str:
        """Make an edit, judge what the program says of it, and take it back."""
        with self._unguarded():
            undo = self._made(edit)
        if undo is None:
            return "none"
        try:
            return self._judged(edit)
        finally:
            with self._unguarded():
                for statement, cells in undo:
                    self._db.execute(statement, cells)

    @contextmanager
    def _unguarded(self) -> Iterator[None]:
        with self._db:
            for name, _ in self._guards:
                self._db.execute(f"DROP TRIGGER {name}")
            yield
            for _, sql in self._guards:
                self._db.execute(str(sql))

    def _made(self, edit: Edit) -> list[tuple[str, tuple[Any, ...]]] | None:
        """Make an edit; return what takes it back, None where there is nothing to change."""
        table, db = edit.table, self._db
        info = db.execute(f"SELECT name FROM pragma_table_info('{table}')").fetchall()
        names = [name for (name,) in info]
        where = f"{_key(table)} = ?" if table != "keys" else "(stream, key) = (?, ?)"
        found = db.execute(f"SELECT * FROM {table}").fetchall()
        # ``*`` leaves out nothing but what is hidden; generated columns come with it.
        shown = [d[0] for d in db.execute(f"SELECT * FROM {table} LIMIT 1").get_description()]
        row = dict(zip(shown, found[edit.place], strict=True))
        self._at = row.get("stream", row.get("id")), row.get("seq", 0)
        cells = {name: row[name] for name in names if name in row and name != "status"}
        key = (row["stream"], row["key"]) if table == "keys" else (row[_key(table)],)
        back = (
            f"INSERT INTO {table} ({', '.join(cells)}) VALUES ({', '.join('?' * len(cells))})",
            tuple(cells.values()),
        )
        gone = f"DELETE FROM {table} WHERE {where}"
        if edit.deleted:
            db.execute(gone, key)
            return [back]
        if edit.table == "entries" and edit.column is None:
            return self._swapped(cells, mended=edit.mended)
        changed = self._changed(edit, cells, found, shown)
        if changed is None or changed == cells:
            return None
        new_key = tuple(
            changed[name] for name in (["stream", "key"] if table == "keys" else [_key(table)])
        )
        try:
            db.execute(gone, key)
            db.execute(back[0], tuple(changed.values()))
        except apsw.ConstraintError:
            db.execute(*back)
            return None
        return [(gone, new_key), back]

    def _swapped(
        self, cells: dict[str, Any], *, mended: bool
    ) -> list[tuple[str, tuple[Any, ...]]] | None:
        """Exchange an entry and the next one of its log."""
        db, one, stream = self._db, cells["id"], cells["stream"]
        select = f"SELECT id, seq, checksum, {_ENTRY} FROM entries WHERE stream = ? AND seq = ?"
        both = [cells["seq"], cells["seq"] + 1]
        pair: list[Any] = [db.execute(select, (stream, seq)).fetchone() for seq in both]
        if None in pair:
            return None
        update = "UPDATE entries SET seq = ?, checksum = ? WHERE id = ?"
        away: tuple[str, tuple[Any, ...]] = (update, (2**40, b"x" * LENGTH, one))
        back = [away, *((update, (row[1], row[2], row[0])) for row in reversed(pair))]
        db.execute(*away)
        for row, other in ((pair[1], pair[0]), (pair[0], pair[1])):
            leaf = stored_leaf(other[1], *row[4:]) if mended else row[2]
            db.execute(update, (other[1], leaf[:LENGTH], row[0]))
        return back

    def _changed(
        self, edit: Edit, cells: dict[str, Any], found: list[Any], shown: list[str]
    ) -> dict[str, Any] | None:
        new = dict(cells)
        if edit.column is None:
            # Moved: to the place of the next row, or behind the last one.
            column = _MOVED.get(edit.table)
            if column is None:
                return None
            new[column] = max(row[shown.index(column)] for row in found) + 1
        elif edit.column in {"id", "stream"} and edit.column == _key(edit.table):
            return None
        else:
            new[edit.column] = _other(edit.column, cells[edit.column])
        if edit.mended and edit.table in _SEALED:
            covered = [new[name.strip()] for name in _SEALED[edit.table].split(",")]
            try:
                entry = edit.table in {"entries", "early"}
                new["checksum"] = stored_leaf(*covered)[:LENGTH] if entry else checksum(*covered)
            except ValueError:
                return None
        return new

    def _judged(self, edit: Edit) -> str:
        try:
            with open_repo(self._place) as repo:
                report = repo.verify(objects=False, against=self._saved)
        except AivcsError as error:
            return f"refused: {error.message}"
        if report.ok:
            same = told(self._place) == self._truth
            return "without effect" if same else "wrong: something else is returned, unnoticed"
        texts = [f"{one.id} {one.detail}" for one in report.problems]
        wanted = self._wanted(edit)
        if any(all(part in text for part in wanted) for text in texts):
            return "named"
        return f"wrong: {wanted} are not named: {texts[:3]}"

    def _wanted(self, edit: Edit) -> tuple[str, ...]:
        """Return what a problem must name: the log, and the event where its row shows it."""
        if edit.table in {"seals", "keys"}:
            return ()
        stream, seq = self._at
        name = self._names.get(stream, "")
        if (
            edit.table == "entries"
            and not edit.mended
            and edit.column not in {"id", "stream", "seq"}
        ):
            moved = edit.column is None and not edit.deleted
            return (name,) if moved or name == "agent" else (name, f"event {seq}")
        return (name,)

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def _key(table: str) -> str:
    return {"runs": "stream", "ends": "stream", "keys": "stream"}.get(table, "id")


def _other(column: str, value: Any) -> Any:  # noqa: ANN401 - any cell
    """Return another value that the column may have."""
    chosen: dict[str, tuple[Any, Any]] = {
        "state": ("Paused", "Running"),
        "wait": ("approval", None),
        "success": (0, 1),
        **dict.fromkeys(("body", "tags", "environment"), ('{"n":0}', "[]")),
    }
    if column in chosen:
        one, other = chosen[column]
        return other if value == one else one
    if value is None:
        return {"spec": b"s" * 32, "object": b"o" * 32, "salt": b"s" * 16}.get(column, "x")
    if isinstance(value, int):
        return value + 1
    if isinstance(value, bytes):
        return bytes([value[0] ^ 1]) + value[1:] if value else b"x" * 32
    return f"{value}x"


def make(place: Path, events: int) -> None:
    """Make a repository of many events in runs that ended, go on, wait, and were purged."""
    each = events // _RUNS
    with init(place) as repo:
        spec = add_spec(repo)
        for number in range(_RUNS):
            run_id = repo.runs.create_run(spec, RunMetadata("agent", tags={"number": number}))
            for start in range(0, each, 1000):
                some = range(start + 1, 1 + min(start + 1000, each))
                repo.runs.append_events(run_id, [note(n, {"n": n, "of": number}) for n in some])
            if number % 5 == 1:
                repo.runs.append_event(run_id, note(each + 3))
            if number % 5 in _ENDED:
                end(repo, run_id, RunStatus.FAILED if number % 2 else RunStatus.COMPLETED)
            if number in _PURGED:
                repo.runs.purge(run_id, [1, 2])
        for number in range(2):
            repo.events.append(
                f"execution {number}", "tenant", {"type": "execution_started"}, idempotency_key="k"
            )
        repo.releases.promote("agent", spec, by())


def told(place: Path) -> list[str]:
    """Return everything that the library says of runs and releases."""
    said: list[str] = []
    with open_repo(place) as repo:
        try:
            runs = repo.runs.list_runs()
            said.append(repr(runs))
            said += [repr(list(repo.runs.iter_events(run.run_id))) for run in runs]
            said.append(repr(repo.releases.history("agent")))
        except AivcsError as error:
            said.append(repr(error))
    return said
