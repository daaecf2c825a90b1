"""One connection: how the file is opened, how a transaction waits, commits and fails."""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import apsw

from aivcs.adapters.sqlite import forking, index, modes, settings
from aivcs.adapters.sqlite.engine import check_engine
from aivcs.adapters.sqlite.failures import lacks_index, translated
from aivcs.adapters.sqlite.identity import APPLICATION_ID, VERSION
from aivcs.adapters.sqlite.medium import check_medium
from aivcs.adapters.sqlite.space import Space
from aivcs.adapters.sqlite.turn import Turn
from aivcs.adapters.sqlite.wal import LogRoom
from aivcs.adapters.sqlite.whereabouts import Whereabouts
from aivcs.errors import CorruptionError, RepositoryClosed, RepositoryTooNew, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")


class _Steps(NamedTuple):
    """What begins and ends a transaction."""

    begin: str
    commit: str
    rollback: str


_OUTER: Final = _Steps("BEGIN IMMEDIATE", "COMMIT", "ROLLBACK")
_NESTED: Final = _Steps("SAVEPOINT part", "RELEASE part", "ROLLBACK TO part; RELEASE part")
_ALONE: Final = "PRAGMA locking_mode=EXCLUSIVE;"
WAIT_SECONDS: Final = 30.0
_PAUSE_SECONDS: Final = (0.0003, 0.001)


class Connection:
    """A thread-safe handle on the ledger's file.

    ``durable`` chooses synchronous=FULL (each commit is one fsync) or NORMAL. A read-only
    medium is opened for reading. Raises StorageError, CorruptionError, RepositoryTooNew.
    """

    def __init__(
        self,
        path: Path,
        *,
        create: bool = False,
        durable: bool = True,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        check_engine(apsw.sqlite_lib_version())
        check_medium(path.parent)
        self.path = path
        self._wait_seconds = wait_seconds
        self._durable = durable
        self._lock = threading.RLock()
        self._process = os.getpid()
        self._db: apsw.Connection | None = None
        self._lost: StorageError | None = None
        self._frozen = False
        if forking.is_spoilt(path):
            msg = f"this process was forked in the middle of work on {path}"
            raise StorageError(msg, hint="open the repository in a process that was started anew")
        forking.watch(self)
        # A fork waits until it is open.
        with self._lock, translated(str(path), reads=not create):
            self._db = self._patiently(lambda: self._connect(create=create))
            self._room = LogRoom(self._db.filename_wal)
            self._turn = Turn(self._db.filename_wal)
            self._space = Space(path, self._db.filename_wal)
            self._files = Whereabouts(self._db.filename, self._db.filename_wal, frozen=self._frozen)
            self._patiently(lambda: self._prepare(create=create, durable=durable))

    def _connect(self, *, create: bool) -> apsw.Connection:
        flags = apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if create else 0)
        try:
            db = self._shared_or_alone(flags)
        except (apsw.ReadOnlyError, apsw.CantOpenError):
            if not create and not os.path.lexists(self.path):
                msg = f"the ledger {self.path} is missing"
                raise CorruptionError(msg, hint="restore the file from a copy") from None
            if create or not self._is_at_rest():
                raise
            self._frozen = True
            uri = f"{self.path.absolute().as_uri()}?immutable=1"
            db = apsw.Connection(uri, flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
        # Else a statement is planned anew for each value that is bound: ten times the work.
        db.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
        return db

    def _shared_or_alone(self, flags: int) -> apsw.Connection:
        """Open the file beside others; alone where the disk has no room for what they share.

        That is the index of the log, which one who is alone has in memory.
        """
        db = self._shared(flags)
        if db is None:
            # Closing it merges the log into the file if that fits, and then there is room.
            self._opened(flags, _ALONE).close()
            db = self._shared(flags)
        return self._opened(flags, _ALONE) if db is None else db

    def _shared(self, flags: int) -> apsw.Connection | None:
        log = self.path.with_name(f"{self.path.name}-wal")
        if not index.fits(log):
            return None
        try:
            db = self._opened(flags)
        except apsw.IOError as error:
            if not lacks_index(error):
                raise
            return None
        if index.claim(log):
            return db
        db.close()
        return None

    def _opened(self, flags: int, first: str = "") -> apsw.Connection:
        db = apsw.Connection(str(self.path), flags=flags)
        try:
            db.execute(f"{first}SELECT count(*) FROM sqlite_schema").fetchall()
        except apsw.Error:
            db.close()
            raise
        return db

    def _is_at_rest(self) -> bool:
        """Tell whether the file may be read as immutable: no log is left, nobody can write."""
        log = self.path.with_name(f"{self.path.name}-wal")
        writable = os.access(self.path.parent, os.W_OK)
        return self.path.is_file() and not log.exists() and not writable

    def _prepare(self, *, create: bool, durable: bool) -> None:
        db = self._require()
        if db.readonly("main"):
            if (version := self._check_version(db)) < VERSION:
                msg = f"{self.path} has schema {version} and cannot be written"
                raise StorageError(msg, hint="copy it to where this aivcs may bring it up to date")
            return
        old = create or self._check_version(db) < VERSION
        settings.apply(db, str(self.path), new=create)
        db.execute(f"PRAGMA synchronous={modes.SYNCHRONOUS[durable]}")
        if old:
            with self.writing():
                self._migrate(db)

    def _check_version(self, db: apsw.Connection) -> int:
        application = db.execute("PRAGMA application_id").get
        version = int(db.execute("PRAGMA user_version").get)
        if application != APPLICATION_ID:
            msg = f"{self.path} is not a ledger of aivcs"
            raise CorruptionError(msg, hint="restore the file from a copy")
        if version > VERSION:
            msg = f"{self.path} has schema {version}, this aivcs knows up to {VERSION}"
            raise RepositoryTooNew(msg, hint="install a newer aivcs")
        return version

    def _migrate(self, db: apsw.Connection) -> None:
        from aivcs.adapters.sqlite.schema import MIGRATIONS

        tables = db.execute("SELECT count(*) FROM sqlite_schema").get
        if not tables:
            db.execute(f"PRAGMA application_id={APPLICATION_ID}")
        version = self._check_version(db)
        if tables and version < 1:
            msg = f"{self.path} has tables, but its schema has no number"
            raise CorruptionError(msg, hint="restore the file from a copy")
        for step in MIGRATIONS[version:]:
            db.execute(step)
        db.execute(f"PRAGMA user_version={VERSION}")

    def _require(self) -> apsw.Connection:
        if not self._is_own():
            msg = f"the repository of {self.path} was opened before this process was forked"
            raise RepositoryClosed(msg, hint="open it again in the child process")
        if self._db is None:
            if self._lost is not None:
                raise type(self._lost)(self._lost.message, hint=self._lost.hint)
            msg = f"the repository of {self.path} is closed"
            raise RepositoryClosed(msg, hint="open it again")
        return self._db

    def _require_files(self, *, after: bool = False) -> None:
        """Raise StorageError, and use the file no more, unless it is the one at its path."""
        db = self._db
        if db is None or (db.in_transaction and not self._frozen) or self._files.are_right():
            return
        # What is merged from this log now would overwrite what others have written since.
        self._lost = self._files.lost(after=after)
        self._db = None
        self._room.close()
        self._turn.close()
        forking.let_go(db)
        raise self._lost

    def _patiently(self, action: Callable[[], T]) -> T:
        """Repeat ``action`` while another process holds the lock it needs.

        Short random pauses are fair; the engine's own handler backs off up to 100 ms and
        starves writers.
        """
        try:
            return action()
        except apsw.BusyError:
            return self._repeatedly(action)

    def _repeatedly(self, action: Callable[[], T]) -> T:
        import random

        deadline = time.monotonic() + self._wait_seconds
        while True:
            try:
                return action()
            except apsw.BusyError as error:
                if time.monotonic() > deadline:
                    msg = f"{self.path} has been locked for {self._wait_seconds:g} seconds"
                    raise StorageError(
                        msg, hint="see which process holds it open; the action may be repeated"
                    ) from error
                time.sleep(random.uniform(*_PAUSE_SECONDS))  # noqa: S311 - no secret

    def rows(self, sql: str, bindings: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """Run one statement that reads and return its rows.

        None has a text that UTF-8 cannot carry, so a search for one finds nothing.
        """
        with self._lock:
            db = self._require()
            if not self._files.seem_right():
                self._require_files()
            try:
                found = db.execute(sql, bindings).fetchall()
            except UnicodeEncodeError:
                return []
            except (apsw.Error, UnicodeDecodeError, OverflowError):
                if self._frozen:
                    self._require_files()
                # Rare, so that what waits and translates is not in everybody's way.
                with translated(str(self.path), reads=not db.in_transaction):
                    return self._patiently(lambda: db.execute(sql, bindings).fetchall())
            if self._frozen:
                self._require_files()
            return found

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let all that is read inside be of one moment."""
        with self._lock, translated(str(self.path), reads=True):
            db = self._require()
            if db.in_transaction:
                yield
                return
            if not self._files.seem_right():
                self._require_files()
            db.execute("BEGIN")
            try:
                yield
            finally:
                self._let_go(db)

    def _let_go(self, db: apsw.Connection) -> None:
        """End a transaction that read; an error of the disk may have ended it."""
        if self._is_own() and db.in_transaction:
            db.execute("COMMIT")

    @contextmanager
    def writing(
        self, *, synced: bool | None = None, many: bool = False
    ) -> Iterator[apsw.Connection]:
        """Hold the one write transaction: committed at the end, rolled back on any error.

        Inside another one of this thread it is a part of that, and an error takes back this
        part alone. ``synced`` says whether this commit, and all before it, reaches the disk
        before it returns; without it, that is as the file was opened. ``many`` rows are
        inserted by few statements.
        """
        with self._lock, translated(str(self.path)):
            db = self._require()
            # The lock is ours, so a transaction that is open is this thread's.
            steps = _NESTED if db.in_transaction else _OUTER
            self._require_files()
            full = self._durable if synced is None or steps is _NESTED else synced
            outer = steps is _OUTER
            little = outer and self._save_space(db)
            own = self._is_own
            with (
                self._in_turn(outer=outer),
                modes.syncing(db, wanted=full, usual=self._durable, is_own=own),
                modes.undoing(db, many=many and outer, is_own=own),
            ):
                self._patiently(lambda: db.execute(steps.begin))
                try:
                    if full and outer and not little:
                        self._room.make()
                    yield db
                    self._check_transaction(db)
                    if outer and self._space.near and self._space.is_little():
                        self._space.claim(db)
                    db.execute(steps.commit)
                except BaseException:
                    # A failing disk may have rolled back all of it; in a child it is the parent's.
                    if own() and db.in_transaction:
                        db.execute(steps.rollback)
                    raise
            self._require_files(after=True)

    @contextmanager
    def _in_turn(self, *, outer: bool) -> Iterator[None]:
        """Write alone, also where SQLite's own lock was lost."""
        if not outer:
            yield
            return
        self._patiently(self._take_turn)
        try:
            yield
        finally:
            if self._is_own():
                self._turn.give()

    def _take_turn(self) -> None:
        if not self._turn.take():
            raise apsw.BusyError

    def _is_own(self) -> bool:
        """Tell whether this process opened the file: in a forked child it is not ours."""
        return self._process == os.getpid()

    def _save_space(self, db: apsw.Connection) -> bool:
        """Tell whether the disk is nearly full, and then keep the log short."""
        if little := self._space.is_little():
            self._space.cut_log(db)
        if self._space.has_small_blocks and not index.claim(Path(db.filename_wal)):
            raise apsw.FullError
        return little

    def _check_transaction(self, db: apsw.Connection) -> None:
        """Refuse to go on in a child, or where a caught error took the whole transaction back."""
        self._require()
        if not db.in_transaction:
            msg = f"the ledger {self.path} took the whole transaction back"
            raise StorageError(msg, hint="check the disk; the action may be repeated")

    def maintain(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a statement that tends the file, outside of a transaction; return its rows."""
        with self._lock, translated(str(self.path)):
            db = self._require()
            self._require_files()
            self._save_space(db)
            return self._patiently(lambda: db.execute(sql).fetchall())

    @property
    def wrote(self) -> bool:
        """Whether this handle changed any row; False when it is closed or another process's."""
        with self._lock:
            db = self._db if self._is_own() else None
            return db is not None and db.total_changes() > 0

    def check_open(self) -> None:
        """Raise RepositoryClosed when it is closed, or in a forked child."""
        self._require()

    def close(self) -> None:
        """Close the file; idempotent, and nothing at all in a forked child."""
        with self._lock:
            if self._db is not None and self._is_own():
                with translated(str(self.path)):
                    self._room.close()
                    self._turn.close()
                    if self._files.are_right():
                        self._db.close()
                    else:
                        forking.let_go(self._db)
            self._db = None

    def hold_still(self, seconds: float) -> bool:
        """Keep other threads from the file; False where one is at it for too long."""
        return self._lock.acquire(timeout=seconds)

    def go_on(self) -> None:
        """Let other threads use the file again."""
        self._lock.release()

    def abandon(self) -> apsw.Connection | None:
        """Forget the file in a forked child, and return the connection."""
        # Another thread may have held it, which is not here to let it go.
        self._lock = threading.RLock()
        db, self._db = self._db, None
        if db is not None:
            self._turn.close()
        return db
