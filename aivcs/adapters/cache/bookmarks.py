"""How far long work has come, as a table of ``cache.db``.

The file may be deleted at any time. Whatever is wrong with it, it is as if it were not
there. The driver is imported only when something is to be kept or may be there.
"""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from aivcs.errors import StorageError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator
    from collections.abc import Set as AbstractSet
    from pathlib import Path


class CachedBookmarks:
    """Bookmarks in a table of the file at ``path``; see ports.Bookmarks."""

    def __init__(self, path: Path, table: str = "verified") -> None:
        self._path = path
        self._make = f"CREATE TABLE IF NOT EXISTS {table} (mark TEXT PRIMARY KEY)"
        self._select = f"SELECT mark FROM {table}"  # noqa: S608 - a name of this program
        self._add = f"INSERT OR IGNORE INTO {table} VALUES (?)"  # noqa: S608 - as above
        self._drop = f"DROP TABLE IF EXISTS {table}"

    def marks(self) -> AbstractSet[str]:
        """Return all marks; none where the file is missing or damaged."""
        if not self._path.exists():
            return frozenset()
        try:
            with self._open() as db:
                return frozenset(str(mark) for (mark,) in db.execute(self._select))
        except StorageError:
            return frozenset()

    def add(self, marks: Iterable[str]) -> None:
        """Add marks; a damaged file is replaced."""
        rows = [(mark,) for mark in marks]
        try:
            self._insert(rows)
        except StorageError:
            self._remove()
            self._insert(rows)

    def clear(self) -> None:
        """Remove all marks."""
        if self._path.exists():
            try:
                with self._open() as db:
                    db.execute(self._drop)
            except StorageError:
                self._remove()

    def _insert(self, rows: list[tuple[str]]) -> None:
        with self._open() as db:
            db.execute(self._make)
            db.executemany(self._add, rows)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        import sqlite3

        try:
            # The driver's transactions commit at the end of the block, or not at all.
            with closing(sqlite3.connect(self._path, timeout=1)) as connection, connection:
                connection.execute("PRAGMA synchronous=NORMAL")
                yield connection
        except (sqlite3.Error, UnicodeDecodeError) as error:
            msg = f"{self._path} cannot be used: {error}"
            raise StorageError(msg, hint="it may be deleted; nothing is lost with it") from error

    def _remove(self) -> None:
        for suffix in ("", "-journal", "-wal", "-shm"):
            path = self._path.with_name(self._path.name + suffix)
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                msg = f"{path} cannot be removed: {error.strerror}"
                raise StorageError(msg, hint="check who owns the folder") from error
