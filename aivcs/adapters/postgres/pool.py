"""The connections of this process: as many as its threads use at once, up to a limit."""

from __future__ import annotations

import os
import random
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import psycopg

from aivcs.adapters.postgres.failures import failure, is_down, is_lost
from aivcs.adapters.postgres.session import Session
from aivcs.errors import RepositoryClosed, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.adapters.postgres.server import Server

MOST: Final = 8
_PAUSE_SECONDS: Final = (0.05, 0.2)


class Pool:
    """Sessions that are free, and room for more of them. Thread-safe; not across a fork.

    The first connection fails at once when there is no server. Later ones wait for it, up
    to the server's timeout: it was there and may be restarting.
    """

    def __init__(self, server: Server, *, durable: bool) -> None:
        self.server = server
        self._durable = durable
        self._process = os.getpid()
        self._room = threading.BoundedSemaphore(MOST)
        self._lock = threading.Lock()
        self._free: list[Session] = []
        self._closed = False
        self._met = False

    def check_open(self) -> None:
        """Raise RepositoryClosed when it is closed, or in a forked child."""
        if self._closed:
            msg = f"the repository in {self.server} is closed"
            raise RepositoryClosed(msg, hint="open it again")
        if self._process != os.getpid():
            msg = f"the repository in {self.server} was opened before this process was forked"
            raise RepositoryClosed(msg, hint="open it again in the child process")

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Lend a session; one that does not come back whole is replaced by a new one."""
        self.check_open()
        if not self._room.acquire(timeout=self.server.timeout):
            msg = f"all {MOST} connections to {self.server} have been in use for long"
            raise StorageError(msg, hint="work with fewer threads; the action may be repeated")
        try:
            session = self._take()
            try:
                yield session
            finally:
                self._give_back(session)
        finally:
            self._room.release()

    def _take(self) -> Session:
        while True:
            with self._lock:
                session = self._free.pop() if self._free else None
            if session is None:
                return self.connect()
            if session.is_alive():
                return session
            session.close()

    def _give_back(self, session: Session) -> None:
        if self._process != os.getpid():
            return
        with self._lock:
            if not self._closed and session.is_clean:
                self._free.append(session)
                return
        session.close()

    def connect(self) -> Session:
        """Return a session that is not of the pool; its owner closes it."""
        self.check_open()
        deadline = time.monotonic() + self.server.timeout
        while True:
            try:
                session = Session(self.server, durable=self._durable)
            except psycopg.Error as error:
                away = is_down(error) or is_lost(error)
                if not (self._met and away) or time.monotonic() > deadline:
                    raise failure(self.server, error) from error
                time.sleep(random.uniform(*_PAUSE_SECONDS))  # noqa: S311 - no secret
            else:
                self._met = True
                return session

    def close(self) -> None:
        """Close the sessions that are free, and the others when they come back; idempotent.

        Nothing at all in a forked child: the connections are its parent's.
        """
        if self._process != os.getpid():
            return
        with self._lock:
            free, self._free = self._free, []
            self._closed = True
        for session in free:
            session.close()
