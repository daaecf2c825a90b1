"""Leases: what tells a process that lives from one that died, without any clock.

A lease is a row, and an advisory lock that a session of its process holds. The server lets
go of the lock when the session ends. A row says that nobody has found its process dead yet:
only ``reap`` removes it, alone, so whoever writes while his row is there has lost nothing.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Final, NoReturn

from aivcs.adapters.postgres import locks
from aivcs.adapters.postgres.failures import translated
from aivcs.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.adapters.postgres.database import Database
    from aivcs.adapters.postgres.session import Session

_TOKEN_BYTES: Final = 8
_ASK_SECONDS: Final = 0.05
_MOST_HOST: Final = 64
_TAKE_OVER: Final = """
INSERT INTO holds (digest, lease) SELECT DISTINCT digest, %(lease)s::bigint FROM (
  SELECT digest, lease FROM hot UNION ALL SELECT digest, lease FROM sealed
  UNION ALL SELECT digest, lease FROM large UNION ALL SELECT digest, lease FROM holds
) held WHERE lease = (SELECT id FROM leases WHERE token = %(token)s) ON CONFLICT DO NOTHING
"""
_INSERT: Final = "INSERT INTO leases (id, token) VALUES (%s, %s) ON CONFLICT DO NOTHING"
_MINE: Final = "SELECT 1 FROM leases WHERE id = %s AND token = %s"
_REAP: Final = f"DELETE FROM leases WHERE id NOT IN ({locks.HELD}) RETURNING id"
_FORGET_WRITERS: Final = "DELETE FROM writers WHERE age(xmin) > 1000000"
"""So many transactions later nobody asks any more what became of one."""
_SWEEP: Final = "DELETE FROM holds WHERE lease NOT IN (SELECT id FROM leases)"
DEAD: Final = f"SELECT id FROM leases WHERE id NOT IN ({locks.HELD})"


class Lease:
    """This process's lease on the objects that it stored and that nothing names yet.

    Taken when it is first asked for. Thread-safe.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._process = os.getpid()
        self._mutex = threading.Lock()
        self._session: Session | None = None
        self._number = 0
        self._token = ""

    @property
    def taken(self) -> bool:
        """Whether this process may hold anything."""
        return self._session is not None

    def number(self, session: Session) -> int:
        """Return the number of the lease, which is taken when there is none.

        Asked inside a transaction that writes, so that nobody can reap it before the end.
        When the connection that held its lock was lost, a new lease takes over what the old
        one held. Raises StorageError where a collection has let go of that.
        """
        # Nobody reaps while this transaction has its lock.
        session.flush()
        with self._mutex:
            if self._session is None:
                self._session = self._take()
            elif not self._session.is_alive():
                self._renew(self._session)
            number = self._number
        # The server may know better than we do that the connection is lost.
        if not session.rows(_MINE, (number, self._token)):
            with self._mutex:
                self.release()
                self._session = None
            self._forgotten()
        return number

    def _take(self) -> Session:
        """Lock a number that no lease has, then let its row be seen."""
        host = os.uname().nodename.partition(".")[0][:_MOST_HOST]
        token = f"{self._process}.{host}.{os.urandom(_TOKEN_BYTES).hex()}"
        session = self._database.connect()
        try:
            while True:
                ((number,),) = session.rows("SELECT nextval('leases_id')")
                ((mine,),) = session.rows(locks.call("pg_try_advisory_lock", number))
                if mine and session.run(_INSERT, (number, token)):
                    break
        except BaseException:
            session.close()
            raise
        self._number, self._token = number, token
        return session

    def _renew(self, lost: Session) -> None:
        lost.close()
        old = self._token
        self._session = self._take()
        # Whoever reaps is alone, and this thread writes: the old row stays or is gone already.
        if not self._session.rows("SELECT 1 FROM leases WHERE token = %s", (old,)):
            self._forgotten()
        self._session.run(_TAKE_OVER, {"lease": self._number, "token": old})

    def _forgotten(self) -> NoReturn:
        msg = f"the connection to {self._database.server} was lost, and a collection ran since"
        raise StorageError(
            msg, hint="store again what this process had stored and not used yet, then go on"
        )

    def release(self) -> None:
        """Let go of it; the row is forgotten by the next collection. Idempotent."""
        if self._session is not None and self._process == os.getpid():
            self._session.close()


def described(number: int, token: str) -> str:
    """Return what is known of the process that holds a lease."""
    process, host, _ = token.split(".", 2)
    return f"process {process} on {host} (lease {number})"


def reap(database: Database) -> int:
    """Forget the leases that no session holds, and what they held; return how many."""
    # Asked first without keeping anybody from writing: mostly there is none.
    if not database.rows(DEAD):
        return 0

    def forget(session: Session) -> int:
        gone = len(session.rows(_REAP))
        session.run(_SWEEP)
        session.run(_FORGET_WRITERS)
        return gone

    return database.transact(forget, alone=True)


class Upkeep:
    """The lock of whoever seals, collects or repairs, each on a session of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._held: list[Session] = []

    @contextmanager
    def hold(self, *, wait: bool) -> Iterator[bool]:
        """Hold the lock for a block; yield whether it is held."""
        server = self._database.server
        with closing(self._database.connect()) as session:
            with translated(server):
                mine = self._try(session)
                while wait and not mine:
                    time.sleep(_ASK_SECONDS)
                    mine = self._try(session)
            if not mine:
                yield False
                return
            self._held.append(session)
            try:
                yield True
            finally:
                self._held.remove(session)

    def _try(self, session: Session) -> bool:
        return bool(session.rows(locks.call("pg_try_advisory_lock", locks.UPKEEP))[0][0])

    def check(self) -> None:
        """Refuse to go on where the lock is held no more: somebody else may have it."""
        for session in self._held:
            if not session.is_alive():
                msg = f"the connection to {self._database.server} that kept others away is lost"
                raise StorageError(msg, hint="run it again; what was done is done")
