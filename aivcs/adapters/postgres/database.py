"""Transactions: how one begins, waits, commits and fails, and what is done again."""

from __future__ import annotations

import random
import threading
import time
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

import psycopg

from aivcs.adapters.postgres import locks
from aivcs.adapters.postgres.failures import AGAIN, failure, is_lost, translated
from aivcs.adapters.postgres.pool import Pool
from aivcs.errors import AivcsError, InvalidInputError, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aivcs.adapters.postgres.sending import Bindings
    from aivcs.adapters.postgres.server import Server
    from aivcs.adapters.postgres.session import Session

T = TypeVar("T")

_PAUSE_SECONDS: Final = (0.001, 0.02)
_DRIVERS: Final = (psycopg.Error, UnicodeError, OverflowError)
_MARK: Final = f"""
INSERT INTO writers (token, number)
SELECT %s, %s FROM {{0}}({locks.CLASS}, {locks.WRITE})
ON CONFLICT (token) DO UPDATE SET number = excluded.number
"""
_ALONE: Final = _MARK.format("pg_advisory_xact_lock")
_SHARED: Final = _MARK.format("pg_advisory_xact_lock_shared")
_FIRST: Final = "INSERT INTO writers (token, number) VALUES (%s, 0) ON CONFLICT DO NOTHING"
_LAST: Final = "SELECT number FROM writers WHERE token = %s FOR UPDATE"
_SNAPSHOT: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class _Undone(Exception):
    """The server has nothing of the transaction, and says or shows so."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(str(error))
        self.error = error


class _Current(threading.local):
    """The transaction that this thread is in."""

    session: Session | None = None
    writes: bool = False


class Database:
    """Statements and transactions over the pool. Thread-safe; not across a fork.

    ``durable`` False lets a commit return before it is on the server's disk.
    """

    def __init__(self, server: Server, *, durable: bool = True) -> None:
        self.server = server
        self._durable = durable
        self._pool = Pool(server, durable=durable)
        self._current = _Current()
        self.wrote = False

    def check_open(self) -> None:
        """Raise RepositoryClosed when it is closed, or in a forked child."""
        self._pool.check_open()

    @property
    def is_writing(self) -> bool:
        """Whether this thread is in a transaction that writes."""
        return self._current.writes

    def connect(self) -> Session:
        """Return a session of its own; its owner closes it."""
        return self._pool.connect()

    def rows(self, sql: str, bindings: Bindings = None) -> list[tuple[Any, ...]]:
        """Run one statement that reads and return its rows.

        Done again when the connection was lost.
        """
        inside = self._current.session
        if inside is not None:
            with translated(self.server):
                return inside.rows(sql, bindings)
        return self._repeatedly(lambda session: session.rows(sql, bindings))

    def search(self, sql: str, bindings: Bindings) -> list[tuple[Any, ...]]:
        """Run one statement that looks for a text; nothing has one that cannot be stored."""
        try:
            return self.rows(sql, bindings)
        except InvalidInputError:
            return []

    def prepare(self, work: Callable[[Session], None]) -> None:
        """Do what the first session must find done; it waits for nobody."""
        self._repeatedly(work)

    def _repeatedly(self, work: Callable[[Session], T]) -> T:
        deadline = time.monotonic() + self.server.timeout
        while True:
            with self._pool.session() as session:
                try:
                    return work(session)
                except _DRIVERS as error:
                    if isinstance(error, AivcsError):
                        raise
                    again = isinstance(error, AGAIN) or is_lost(error, session.raw)
                    if not again or time.monotonic() > deadline:
                        raise failure(self.server, error) from error
            _pause()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let all that is read inside be of one moment."""
        if self._current.session is not None:
            yield
            return
        with self._pool.session() as session, translated(self.server):
            session.run(_SNAPSHOT)
            try:
                with self._inside(session, writes=False):
                    yield
            finally:
                _end(session)

    @contextmanager
    def _inside(self, session: Session, *, writes: bool) -> Iterator[None]:
        self._current.session, self._current.writes = session, writes
        try:
            yield
        finally:
            self._current.session, self._current.writes = None, False

    def transact(
        self,
        work: Callable[[Session], T],
        *,
        alone: bool = False,
        synced: bool | None = None,
    ) -> T:
        """Do some work in a transaction of its own, again where the server has nothing of it.

        So it is after a deadlock and when the connection is lost, also when the answer to
        COMMIT is: then the server is asked what became of it. Inside ``writing`` of this
        thread the work is a part of that, which is taken back alone. ``alone`` keeps all
        others who write away; ``synced`` says whether the commit is on the server's disk
        before this returns.
        """
        inside = self._current.session
        if inside is not None and self._current.writes:
            with self.part():
                return work(inside)
        deadline = time.monotonic() + self.server.timeout
        while True:
            try:
                with self._transaction(alone=alone, synced=synced) as session:
                    return work(session)
            except _Undone as undone:
                if time.monotonic() > deadline:
                    raise failure(self.server, undone.error) from undone.error
                _pause()

    @contextmanager
    def writing(self, *, alone: bool = True, synced: bool | None = None) -> Iterator[Session]:
        """Hold a transaction that writes: committed at the end, taken back on any error.

        What is lost on the way is not done again: it was the caller's.
        """
        inside = self._current.session
        if inside is not None and self._current.writes:
            with self.part():
                yield inside
            return
        try:
            with self._transaction(alone=alone, synced=synced) as session:
                yield session
        except _Undone as undone:
            raise failure(self.server, undone.error) from undone.error

    @contextmanager
    def part(self) -> Iterator[None]:
        """Let an error in the block take back what was done in it, and nothing before."""
        session = self._current.session
        if session is None or not self._current.writes:
            msg = "a part of a transaction is inside of one"
            raise RuntimeError(msg)
        session.run("SAVEPOINT part")
        try:
            yield
            session.run("RELEASE part")
        except BaseException as error:
            session.forget()
            if self._is_over(session, error):
                raise
            session.script("ROLLBACK TO part; RELEASE part")
            if isinstance(error, _DRIVERS) and not isinstance(error, AivcsError):
                raise failure(self.server, error) from error
            raise

    def _is_over(self, session: Session, error: BaseException) -> bool:
        """Tell whether an error ended the whole transaction."""
        return session.closed or isinstance(error, AGAIN) or is_lost(error, session.raw)

    @contextmanager
    def _transaction(self, *, alone: bool, synced: bool | None) -> Iterator[Session]:
        """Run a transaction; raises _Undone where it may be done again, and aivcs' errors."""
        with self._pool.session() as session:
            try:
                _begin(session, alone=alone, synced=None if synced is self._durable else synced)
                with self._inside(session, writes=True):
                    yield session
                if session.is_idle:
                    # The number must be there before COMMIT is sent, or nobody could ask for it.
                    session.flush()
            except BaseException as error:
                _end(session)
                if isinstance(error, AivcsError) or not isinstance(error, _DRIVERS):
                    raise
                if is_lost(error, session.raw):
                    self._bury(session)
                    raise _Undone(error) from error
                if isinstance(error, AGAIN):
                    raise _Undone(error) from error
                raise failure(self.server, error) from error
            self._commit(session)
            self.wrote = True

    def _commit(self, session: Session) -> None:
        try:
            landed = session.commit()
        except _DRIVERS as error:
            gone = session.closed or is_lost(error, session.raw)
            if not (gone and isinstance(error, psycopg.Error)):
                # COMMIT was not sent, or refused, or not reached as what came with it failed.
                _end(session)
                if isinstance(error, AGAIN):
                    raise _Undone(error) from error
                raise failure(self.server, error) from error
            self._ask(session, error)
            return
        if not landed:
            msg = f"the ledger {self.server} took the whole transaction back"
            raise StorageError(msg, hint="the action may be repeated")

    def _ask(self, lost: Session, error: psycopg.Error) -> None:
        """Find out what became of a commit whose answer was lost.

        Returns when it landed, raises _Undone when it did not, and StorageError when nobody
        can be asked.
        """
        deadline = time.monotonic() + self.server.timeout
        try:
            while time.monotonic() < deadline:
                # Not of the pool: every thread that holds one of its sessions may ask now.
                with closing(self._pool.connect()) as session:
                    number = _last(session, lost)
                if number == lost.number:
                    return
                if number is not None:
                    raise _Undone(error)
        except (psycopg.Error, AivcsError) as failed:
            raise self._unknown(error) from failed
        raise self._unknown(error)

    def _bury(self, lost: Session) -> None:
        """See to it that a session which is lost to us holds no lock on the server either."""
        with suppress(psycopg.Error, AivcsError), closing(self._pool.connect()) as session:
            session.end(lost)

    def _unknown(self, lost: psycopg.Error) -> StorageError:
        error = failure(self.server, lost)
        msg = f"{error.message}; the action may have been done or not"
        return StorageError(msg, hint="look before you repeat it")

    def close(self) -> None:
        """Close all connections; idempotent."""
        self._pool.close()


def _last(session: Session, lost: Session) -> int | None:
    """Return the number of the last transaction of another session that landed.

    None where the server went away again. What is still on its way there is waited for: it
    has the row locked, or is about to insert it.
    """
    try:
        session.end(lost)
        session.run(_FIRST, (lost.token,))
        ((number,),) = session.rows(_LAST, (lost.token,))
    except psycopg.Error as error:
        if is_lost(error, session.raw):
            return None
        raise
    return int(number)


def _begin(session: Session, *, alone: bool, synced: bool | None) -> None:
    """Begin to write, under the session's next number; mostly sent with the first statement."""
    session.number += 1
    session.kept = None
    session.later("BEGIN")
    session.later(_ALONE if alone else _SHARED, (session.token, session.number))
    if synced is not None:
        session.later(f"SET LOCAL synchronous_commit = {'on' if synced else 'off'}")
    if alone:
        # What is done besides counts on the lock.
        session.flush()


def _end(session: Session) -> None:
    """Take a transaction back, if there still is one."""
    session.forget()
    if session.closed or session.is_idle:
        return
    try:
        session.run("ROLLBACK")
    except psycopg.Error:
        session.close()


def _pause() -> None:
    time.sleep(random.uniform(*_PAUSE_SECONDS))  # noqa: S311 - no secret
