"""How far long work has come, as a table of ``cache.db``.

The file may be deleted at any time. Whatever is wrong with it, it is as if it were not
there. The driver is imported only when something is to be kept.
"""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from aivcs.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from sqlite_utils import Database


class CachedBookmarks:
    """Bookmarks in the table ``verified`` of the file at ``path``; see ports.Bookmarks."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def marks(self) -> AbstractSet[str]:
        """Return all marks; none where the file is missing or damaged."""
        if not self._path.exists():
            return frozenset()
        try:
            with self._open() as db:
                if not db.table("verified").exists():
                    return frozenset()
                return frozenset(str(row["mark"]) for row in db.table("verified").rows)
        except StorageError:
            return frozenset()

    def add(self, marks: Iterable[str]) -> None:
        """Add marks; a damaged file is replaced."""
        rows = [{"mark": mark} for mark in marks]
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
                    db.table("verified").drop(ignore=True)
            except StorageError:
                self._remove()

    def _insert(self, rows: list[dict[str, str]]) -> None:
        with self._open() as db:
            db.table("verified").insert_all(rows, pk="mark", ignore=True)

    @contextmanager
    def _open(self) -> Iterator[Database]:
        import sqlite3

        from sqlite_utils import Database

        try:
            # The driver's transactions commit at the end of the block, or not at all.
            with closing(sqlite3.connect(self._path, timeout=1)) as connection, connection:
                connection.execute("PRAGMA synchronous=NORMAL")
                yield Database(connection, execute_plugins=False)
        except sqlite3.Error as error:
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
