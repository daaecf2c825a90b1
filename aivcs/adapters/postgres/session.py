"""One connection to the server: how it is made, and how long its answers may take."""

from __future__ import annotations

import os
import select
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

import psycopg
from psycopg import errors

from aivcs.adapters.postgres import sending

if TYPE_CHECKING:
    from typing import Self

    from psycopg.abc import PQGen

    from aivcs.adapters.postgres.sending import Answer, Bindings, Step
    from aivcs.adapters.postgres.server import Server

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
    sessions there ever were. ``kept`` is a turn that its transaction need not wait for: another
    session of this process has it. Raises psycopg's errors.
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
        self.kept: int | None = None
        self.notices: list[str] = []
        self._kept: list[Step] = []
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

    @property
    def is_idle(self) -> bool:
        """Whether the server has heard of no transaction, or of its end."""
        return self._db.info.transaction_status is psycopg.pq.TransactionStatus.IDLE

    @property
    def is_clean(self) -> bool:
        """Whether it is in no transaction, and none is kept to be sent."""
        return self.is_idle and not self._kept

    def later(self, sql: str, bindings: Bindings = None) -> None:
        """Keep a statement, which is sent before the next one, in the same round trip.

        Nothing looks at its answer; an error is raised by what sends it.
        """
        self._kept.append((sql, bindings))

    def flush(self) -> None:
        """Send what was kept."""
        if self._kept:
            self._send()

    def forget(self) -> None:
        """Keep nothing more to be sent."""
        self._kept.clear()

    def _send(self, *steps: Step) -> list[Answer]:
        """Send what was kept, then some statements; return the answers of these."""
        kept, self._kept = self._kept, []
        return sending.send(self._db, [*kept, *steps])[len(kept) :]

    def answers(self, *steps: Step) -> list[list[tuple[Any, ...]]]:
        """Run statements in one round trip; return the rows of each."""
        return [sending.rows(answer) for answer in self._send(*steps)]

    def rows(self, sql: str, bindings: Bindings = None) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows, none for one that has none."""
        return self.answers((sql, bindings))[0]

    def run(self, sql: str, bindings: Bindings = None) -> int:
        """Run a statement and return how many rows it changed."""
        return self._send((sql, bindings))[0].rowcount

    def script(self, sql: str) -> None:
        """Run several statements without bindings in one round trip."""
        self.flush()
        self._db.execute(sql.encode())

    def commit(self) -> bool:
        """Commit; return False where the server took the transaction back instead."""
        return self._send(("COMMIT", None))[0].statusmessage == "COMMIT"

    def end(self, other: Session) -> None:
        """Let the server end another session that was lost, if it has not noticed that yet.

        A number of a process may be used again; it is ended only if it is still that one.
        """
        self.rows(_END, (other.pid, other._since))

    def unhurried(self) -> Self:
        """Let this session's statements take as long as they need; return it.

        What the server remarks in detail is in ``notices`` from then on.
        """
        self._db.add_notice_handler(lambda said: self.notices.append(said.message_detail or ""))
        self._db.patience = None
        self._db.execute("SET statement_timeout = 0")
        return self

    def close(self) -> None:
        """Say good-bye; idempotent."""
        with suppress(psycopg.Error):
            self._db.close()
