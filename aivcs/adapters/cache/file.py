"""A handle on ``cache.db`` that outlives whatever happens to the file.

The file may be deleted, cut off, overwritten or locked at any time, also while it is open and
written. A read then finds nothing; a write makes a new file. The driver's journal is kept in
memory: a journal beside the file would be taken for that of a new file of the same name.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from aivcs.errors import RepositoryClosed, StorageError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from pathlib import Path

    from sqlite_utils import Database

T = TypeVar("T")

READ_SECONDS: Final = 0.5
"""How long a read waits for a lock before it finds nothing."""
WRITE_SECONDS: Final = 2.0
"""How long a write waits for a lock before it makes a new file."""

_PAUSE_SECONDS: Final = (0.0003, 0.001)
_TRIES: Final = 20
_FILES: Final = 4
_PRAGMAS: Final = (
    "PRAGMA journal_mode=MEMORY",
    "PRAGMA synchronous=OFF",
    # What is removed because somebody wants it erased must not stay in the file.
    "PRAGMA secure_delete=ON",
)
_PRIMARY: Final = 0xFF
_BUSY: Final = frozenset({5, 6})  # SQLITE_BUSY, SQLITE_LOCKED
_HARMLESS: Final = _BUSY | {1, 14}  # SQLITE_ERROR: no tables yet; SQLITE_CANTOPEN
_SUFFIXES: Final = ("", "-journal", "-wal", "-shm")


class CacheFile:
    """The file at ``path``; ``prepare`` makes the tables that are missing.

    Safe for threads, and for any number of processes. A closed handle, and one that was
    inherited through a fork, raise RepositoryClosed.
    """

    def __init__(
        self,
        path: Path,
        prepare: Callable[[Database], None],
        *,
        read_seconds: float = READ_SECONDS,
        write_seconds: float = WRITE_SECONDS,
    ) -> None:
        self.path = path
        self._prepare = prepare
        self._read_seconds = read_seconds
        self._write_seconds = write_seconds
        self._lock = threading.RLock()
        self._process = os.getpid()
        self._closed = False
        self._db: Database | None = None
        self._identity: tuple[int, int] | None = None
        self._prepared = False
        self._damaged = False

    def read(self, query: Callable[[Database], T], otherwise: T) -> T:
        """Return what ``query`` finds; ``otherwise`` where the file cannot be read."""
        self.check_open()
        with self._lock:
            self.check_open()
            if _identity(self.path) is None:
                self._drop()
                return otherwise
            try:
                db = self._connected(self._read_seconds)
                return _patiently(lambda: query(db), self._read_seconds)
            except _failures() as error:
                self._drop()
                self._damaged = _primary(error) not in _HARMLESS
                return otherwise

    def write(self, change: Callable[[Database], T]) -> T:
        """Return what ``change`` does, in one transaction; where it fails, in a new file.

        Raises StorageError when that fails too.
        """
        self.check_open()
        with self._lock:
            self.check_open()
            # Others may harm the new file, too, before it is written.
            for _ in range(_FILES - 1):
                with suppress(*_failures()):
                    if not self._damaged:
                        return self._transact(change)
                with suppress(*_failures()):
                    self._replace()
            try:
                return self._transact(change)
            except _failures() as error:
                self._drop()
                msg = f"{self.path} cannot be written: {error}"
                hint = "check the disk and who owns the folder; the file may be deleted"
                raise StorageError(msg, hint=hint) from error

    def distrust(self) -> None:
        """Let the next write make a new file: this one holds what nobody wrote."""
        self._damaged = True

    def amend(self, change: Callable[[Database], T], otherwise: T) -> T:
        """Do as ``write`` does; ``otherwise`` where there is no file at all."""
        self.check_open()
        with self._lock:
            self.check_open()
            return otherwise if _identity(self.path) is None else self.write(change)

    def close(self) -> None:
        """Refuse every further call; idempotent."""
        if self._process != os.getpid():
            self._closed = True
            return
        with self._lock:
            self._closed = True
            self._drop()

    def check_open(self) -> None:
        """Raise RepositoryClosed when it is closed, or in a forked child.

        Asked before the lock is taken, too: in a child, who held it may not be there.
        """
        if self._closed:
            msg = f"the repository of {self.path} is closed"
            raise RepositoryClosed(msg, hint="open it again")
        if self._process != os.getpid():
            msg = f"the repository of {self.path} was opened before this process was forked"
            raise RepositoryClosed(msg, hint="open it again in the child process")

    def _transact(self, change: Callable[[Database], T]) -> T:
        db = self._connected(self._write_seconds)
        _patiently(lambda: db.execute("BEGIN IMMEDIATE"), self._write_seconds)
        try:
            if not self._prepared:
                self._prepare(db)
            done = change(db)
            _patiently(lambda: db.execute("COMMIT"), self._write_seconds)
        except BaseException:
            with suppress(*_failures()):
                if db.conn.in_transaction:
                    db.execute("ROLLBACK")
            raise
        self._prepared = True
        return done

    def _connected(self, seconds: float) -> Database:
        """Return a connection to the file that has the name now; made where there is none."""
        import sqlite3

        if self._db is not None and self._identity == _identity(self.path):
            return self._db
        for _ in range(_TRIES):
            self._drop()
            self._identity = _identity(self.path)
            db = _connect(self.path)
            if self._identity is not None and self._identity == _identity(self.path):
                self._db = db
                for pragma in _PRAGMAS:
                    _patiently(partial(db.execute, pragma), seconds)
                return db
            # It was made just now, or replaced meanwhile: which file this is, nobody knows.
            db.close()
        msg = "it is replaced again and again"
        raise sqlite3.OperationalError(msg)

    def _drop(self) -> None:
        if self._db is not None:
            with suppress(*_failures()):
                self._db.close()
        self._db, self._prepared, self._damaged = None, False, False

    def _replace(self) -> None:
        """Remove the file that failed, unless somebody else has put another in its place."""
        failed = self._identity
        self._drop()
        if failed is None or failed == _identity(self.path):
            for suffix in _SUFFIXES:
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)


def _failures() -> tuple[type[Exception], ...]:
    """Return what the driver raises: of damage also that a text of its own is none."""
    import sqlite3

    return sqlite3.Error, UnicodeDecodeError, OSError


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from all others; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _connect(path: Path) -> Database:
    import sqlite3

    from sqlite_utils import Database

    connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    return Database(connection, recursive_triggers=False, execute_plugins=False)


def _patiently(action: Callable[[], T], seconds: float) -> T:
    """Repeat ``action`` for so long while others hold the lock that it needs."""
    import sqlite3

    try:
        return action()
    except sqlite3.OperationalError as error:
        if not _busy(error):
            raise
    import random
    import time

    deadline = time.monotonic() + seconds
    while True:
        try:
            return action()
        except sqlite3.OperationalError as error:
            if not _busy(error) or time.monotonic() > deadline:
                raise
            time.sleep(random.uniform(*_PAUSE_SECONDS))  # noqa: S311 - no secret


def _busy(error: sqlite3.OperationalError) -> bool:
    return _primary(error) in _BUSY


def _primary(error: BaseException) -> int:
    """Return the engine's code of an error, without what refines it; 0 for none."""
    return int(getattr(error, "sqlite_errorcode", 0)) & _PRIMARY
