"""Where a database is, and how long its server may take."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from aivcs.errors import InvalidConfig

SCHEMES: Final = ("postgresql://", "postgres://")
DEFAULT_TIMEOUT: Final = 30.0
_SECRET: Final = re.compile(r"(password|passfile|secret|token)", re.IGNORECASE)
_UNFIT: Final = re.compile(r'[\s"\'\\\x00-\x1f\x7f]')
_CONNECT_SHARE: Final = 3
_LEAST_CONNECT: Final = 2.0
_MARGIN: Final = 5.0
_AFTER_LOCKS: Final = 1.2


@dataclass(frozen=True, slots=True)
class Server:
    """A database by its URL, which holds no password, and the patience with its server.

    ``timeout`` is how many seconds a statement may take or wait for a lock, and how long a
    server that went away is waited for.
    """

    url: str
    timeout: float = DEFAULT_TIMEOUT

    @classmethod
    def parse(cls, url: str, timeout: float | None = None) -> Server:
        """Read ``postgresql://USER@HOST:PORT/DATABASE?OPTIONS``.

        The password comes from PGPASSWORD or the file of PGPASSFILE, as for other programs.
        Raises InvalidConfig; nothing secret of the URL is repeated.
        """
        try:
            parts = urlsplit(url)
            parts.port  # noqa: B018 - reading it checks it
        except ValueError as error:
            msg = f"not a database: {redacted(url)!r}"
            raise InvalidConfig(msg, hint=_FORM) from error
        if not url.startswith(SCHEMES) or _UNFIT.search(url) or parts.fragment:
            msg = f"not a database: {redacted(url)!r}"
            raise InvalidConfig(msg, hint=_FORM)
        named = {key for key, _ in parse_qsl(parts.query, keep_blank_values=True)}
        if parts.password is not None or any(map(_SECRET.search, named)):
            msg = f"the URL {redacted(url)} holds a password"
            hint = "leave it out: it comes from PGPASSWORD, or from ~/.pgpass"
            raise InvalidConfig(msg, hint=hint)
        return cls(url, DEFAULT_TIMEOUT if timeout is None else timeout)

    @property
    def database(self) -> str:
        """Return the name of the database, as the URL has it."""
        return unquote(urlsplit(self.url).path.removeprefix("/"))

    @property
    def connect_seconds(self) -> float:
        """Return how long a connection may take."""
        return max(_LEAST_CONNECT, self.timeout / _CONNECT_SHARE)

    @property
    def statement_seconds(self) -> float:
        """Return how long a statement may take; a little longer than it may wait for a lock."""
        return self.timeout * _AFTER_LOCKS

    @property
    def answer_seconds(self) -> float:
        """Return how long an answer is waited for: the server should end it before."""
        return self.statement_seconds + min(_MARGIN, self.timeout)

    def __str__(self) -> str:
        """Return what is printed."""
        return redacted(self.url)


_FORM: Final = "write postgresql://USER@HOST:PORT/DATABASE"


def redacted(url: str) -> str:
    """Return a URL without password and options."""
    # A password may have any character: up to the last "@" nothing but the user is shown.
    return re.sub(r"//([^/@:]*)(:.*)?@", r"//\1@", url).partition("?")[0]
