"""One connection to the server: how it is made, and how long its answers may take."""

from __future__ import annotations

import os
import select
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

import psycopg
from psycopg import errors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self, TypeAlias

    from psycopg.abc import PQGen

    from aivcs.adapters.postgres.server import Server

    Bindings: TypeAlias = Sequence[object] | Mapping[str, object] | None

T = TypeVar("T")

SCHEMA: Final = "aivcs"
"""The schema that has all tables: one repository a database."""

_IDLE_SECONDS: Final = 30
_PROBE_SECONDS: Final = 10
_PROBES: Final = 3
_FORGOTTEN_SECONDS: Final = 600
"""A client that hangs in the middle of a transaction loses it, and its locks, after this."""


_TOKEN_BYTES: Final = 12
_ABOUT: Final = """
SELECT current_setting('synchronous_commit'), pid::bigint, backend_start::text
FROM pg_stat_activity WHERE pid = pg_backend_pid()
"""
_END: Final = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE pid = %s AND backend_start = %s::timestamptz
"""


class _Impatient(psycopg.Connection[tuple[Any, ...]]):
    """A connection whose answers are awaited for ``patience`` seconds only; None for ever.

    A server that hangs still acknowledges what is sent to it, so neither TCP nor a timeout
    that the server itself keeps would ever end the wait.
    """

    patience: float | None = None

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """Wait for an answer; when there is none in time the connection is of no use."""
        try:
            return super().wait(gen, interval, self.patience if timeout is None else timeout)
        except errors._WaitTimeout:  # noqa: SLF001 - it has no public name
            self.pgconn.finish()
            raise


class Session:
    """A connection in autocommit mode; its callers say BEGIN and COMMIT themselves.

    Its transactions that write are numbered; ``token`` tells them from those of all other
    sessions there ever were. Raises psycopg's errors.
    """

    def __init__(self, server: Server, *, durable: bool) -> None:
        ms = int(server.timeout * 1000)
        settings = {
            "search_path": f"{SCHEMA},pg_temp",
            "statement_timeout": int(server.statement_seconds * 1000),
            "lock_timeout": ms,
            "idle_in_transaction_session_timeout": _FORGOTTEN_SECONDS * 1000,
            "tcp_keepalives_idle": _IDLE_SECONDS,
            "tcp_keepalives_interval": _PROBE_SECONDS,
            "tcp_keepalives_count": _PROBES,
            "default_transaction_isolation": r"read\ committed",
        }
        self.server = server
        self.token = os.urandom(_TOKEN_BYTES).hex()
        self.number = 0
        self._db = _Impatient.connect(
            server.url,
            autocommit=True,
            connect_timeout=int(server.connect_seconds),
            application_name="aivcs",
            client_encoding="utf8",
            keepalives=1,
            keepalives_idle=_IDLE_SECONDS,
            keepalives_interval=_PROBE_SECONDS,
            keepalives_count=_PROBES,
            tcp_user_timeout=ms,
            options=" ".join(f"-c {name}={value}" for name, value in settings.items()),
        )
        self._db.patience = server.answer_seconds
        try:
            self._settle(durable=durable)
        except BaseException:
            self.close()
            raise

    def _settle(self, *, durable: bool) -> None:
        ((synchronous, self.pid, self._since),) = self.rows(_ABOUT)
        # What the administrator chose beyond 'on' stays.
        if durable and synchronous == "off":
            self._db.execute("SET synchronous_commit = on")
        elif not durable:
            self._db.execute("SET synchronous_commit = off")

    @property
    def raw(self) -> psycopg.Connection[tuple[Any, ...]]:
        """Return the client's connection."""
        return self._db

    @property
    def closed(self) -> bool:
        """Whether it is known to be gone."""
        return self._db.closed

    def is_alive(self) -> bool:
        """Tell, without asking the server, whether the connection still looks whole.

        The server never speaks unasked but to say good-bye.
        """
        if self._db.closed:
            return False
        poll = select.poll()
        poll.register(self._db.fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)
        return not poll.poll(0)

    def rows(self, sql: str, bindings: Bindings = None) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows, none for one that has none."""
        cursor = self._db.execute(sql.encode(), bindings, binary=True)
        return cursor.fetchall() if cursor.description else []

    def run(self, sql: str, bindings: Bindings = None) -> int:
        """Run a statement and return how many rows it changed."""
        return self._db.execute(sql.encode(), bindings).rowcount

    def script(self, sql: str) -> list[list[tuple[Any, ...]]]:
        """Run several statements in one round trip; return the rows of each."""
        cursor = self._db.execute(sql.encode())
        results = []
        while True:
            results.append(cursor.fetchall() if cursor.description else [])
            if not cursor.nextset():
                return results

    def end(self, other: Session) -> None:
        """Let the server end another session that was lost, if it has not noticed that yet.

        A number of a process may be used again; it is ended only if it is still that one.
        """
        self.rows(_END, (other.pid, other._since))

    def unhurried(self) -> Self:
        """Let this session's statements take as long as they need; return it."""
        self._db.patience = None
        self._db.execute("SET statement_timeout = 0")
        return self

    def close(self) -> None:
        """Say good-bye; idempotent."""
        with suppress(psycopg.Error):
            self._db.close()
