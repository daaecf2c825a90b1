"""The turn of a run, kept for a moment for who was refused again and again.

Who names the size that he expects has read it, and is refused when another was quicker. Where
many write to one run that may happen to him any number of times. So who was refused REFUSALS
times in a row has the turn of the run before he reads again, until he has written or begins
something else. Only the order in which writers go on depends on it. Nobody waits for long:
the server ends the session that keeps a turn when it hears nothing of it for KEPT_SECONDS.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import psycopg

from aivcs.adapters.postgres import locks
from aivcs.errors import AivcsError, WrongExpectedSequence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.adapters.postgres.database import Database
    from aivcs.adapters.postgres.session import Session

REFUSALS: Final = 3
KEPT_SECONDS: Final = 0.25
_HASTE: Final = f"SET idle_session_timeout = {int(KEPT_SECONDS * 1000)}"
_LEISURE: Final = "SET idle_session_timeout = 0"


class KeptTurn:
    """At most one turn, kept by a session of its own. Thread-safe; not across a fork."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._process = os.getpid()
        self._mutex = threading.Lock()
        self._refused: tuple[locks.Place | None, int] = None, 0
        self._place: locks.Place | None = None
        self._session: Session | None = None

    def has(self, place: locks.Place) -> bool:
        """Tell whether the turn of a run was kept here, and perhaps still is."""
        return self._place == place

    @contextmanager
    def trying(self, place: locks.Place) -> Iterator[None]:
        """Count in how many such blocks in a row an append to this run was refused."""
        if not self.has(place):
            self.let_go()
        try:
            yield
        except WrongExpectedSequence:
            last, times = self._refused
            self._refused = place, times + 1 if last == place else 1
            self.let_go()
            if self._refused[1] >= REFUSALS:
                self._keep(place)
            raise
        self._refused = None, 0
        self.let_go()

    def _keep(self, place: locks.Place) -> None:
        """Wait for the turn and keep it; who cannot goes on without."""
        session = self._taken()
        try:
            if session is None or not session.is_alive():
                _close(session)
                session = self._database.connect()
            session.later(_HASTE)
            session.rows(locks.KEEP, (locks.turn(place),))
        except (psycopg.Error, AivcsError):
            _close(session)
        else:
            self._put(session, place)

    def let_go(self) -> None:
        """Let others go on."""
        if self._place is None or self._process != os.getpid():
            return
        session = self._taken()
        if session is None:
            return
        try:
            session.later(locks.LET_GO)
            session.run(_LEISURE)
        except psycopg.Error:
            _close(session)
        else:
            self._put(session, None)

    def _taken(self) -> Session | None:
        """Take the session, which keeps nothing for anybody from now on."""
        with self._mutex:
            session, self._session, self._place = self._session, None, None
        return session

    def _put(self, session: Session, place: locks.Place | None) -> None:
        with self._mutex:
            spare, self._session, self._place = self._session, session, place
        _close(spare)

    def close(self) -> None:
        """Close the session; nothing in a forked child, as it is its parent's."""
        if self._process == os.getpid():
            _close(self._taken())


def _close(session: Session | None) -> None:
    if session is not None:
        session.close()
