"""The one place where errors of PostgreSQL and its client become errors of aivcs."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from psycopg import errors

from aivcs.errors import (
    AivcsError,
    CorruptionError,
    InvalidInputError,
    StorageError,
    Unreachable,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import psycopg

    from aivcs.adapters.postgres.server import Server

AGAIN: Final = (errors.SerializationFailure, errors.DeadlockDetected)
"""The server took the whole transaction back and says that it may be repeated."""

_ENDED: Final = frozenset({"57P01", "57P02", "57P03", "57P05", "25P03", "08006", "08003"})
_NOT_UP: Final = frozenset({"57P03"})
_DOWN: Final = (
    "Connection refused",
    "Connection reset",
    "closed the connection",
    "the database system is",
)
"""What is said of a server that is not up, or not yet."""
_REFUSALS: Final = (
    ("28P01", r"no password supplied|authentication failed|no pg_hba.conf entry|role .* does not"),
    ("3D000", r'database ".*" does not exist'),
    ("53300", r"too many clients|too many connections|connection slots"),
)
_LONGEST: Final = 300
_TABLES: Final = "run 'aivcs verify'; restore the database from a backup"
_NO_TABLES: Final = (
    CorruptionError,
    "the ledger {server} has not the tables of its format: {text}",
    _TABLES,
)
_GONE: Final = (
    Unreachable,
    "the server of {server} cannot be reached: {text}",
    "check that it runs and is reachable, then repeat the action",
)
_SAID: Final[Mapping[str, tuple[type[AivcsError], str, str]]] = {
    "08": _GONE,
    "57": _GONE,
    "25P03": (
        StorageError,
        "the server of {server} gave up a transaction of which it heard nothing for long",
        "nothing of it was kept; it may be repeated",
    ),
    "28": (
        Unreachable,
        "the server of {server} lets nobody in: {text}",
        "set PGPASSWORD or ~/.pgpass, and check the user's name",
    ),
    "3D000": (Unreachable, "there is no database of {server}: {text}", "create it first"),
    "3F000": _NO_TABLES,
    "42P01": _NO_TABLES,
    "42703": _NO_TABLES,
    "42883": _NO_TABLES,
    "42501": (
        StorageError,
        "the role may not do this in the ledger {server}: {text}",
        "the role that owns the tables may; see docs/postgresql.md",
    ),
    "40": (StorageError, "others kept writing the same rows of {server}: {text}", "repeat it"),
    "53": (
        StorageError,
        "the server of {server} has no room left: {text}",
        "free some space or connections; what did not fit was not kept",
    ),
    "55P03": (
        StorageError,
        "the ledger {server} has been locked for {seconds} seconds",
        "see who holds it; the action may be repeated",
    ),
    "57014": (
        StorageError,
        "the server of {server} took longer than {seconds} seconds",
        "see what keeps it busy; the action may be repeated",
    ),
    "XX": (
        CorruptionError,
        "the ledger {server} is damaged: {text}",
        "keep a copy of the data before anything else",
    ),
}
"""What to raise for each SQLSTATE, or each class of them: the first two characters."""


def is_lost(error: BaseException, connection: psycopg.Connection | None = None) -> bool:
    """Tell whether the connection is gone, so that what was not committed never will be."""
    if isinstance(error, errors._WaitTimeout):  # noqa: SLF001 - it has no public name
        return False
    if getattr(error, "sqlstate", None) in _ENDED:
        return True
    if not isinstance(error, (errors.OperationalError, errors.InterfaceError)):
        return False
    return error.sqlstate is None and (connection is None or connection.closed)


def is_down(error: BaseException) -> bool:
    """Tell whether no connection was made because no server is up: it may be restarting."""
    if not isinstance(error, errors.OperationalError):
        return False
    text = str(error)
    return error.sqlstate in _NOT_UP or any(sign in text for sign in _DOWN)


@contextmanager
def translated(server: Server) -> Iterator[None]:
    """Raise what the client raises inside as an error of aivcs that names the database."""
    try:
        yield
    except AivcsError:
        raise
    except (errors.Error, UnicodeError, OverflowError) as error:
        raise failure(server, error) from error


def failure(server: Server, error: BaseException) -> AivcsError:
    """Return what to raise for an error of the client."""
    text = _brief(error)
    if isinstance(error, UnicodeDecodeError):
        msg = f"the ledger {server} holds a text that is not UTF-8: {error.reason}"
        return CorruptionError(msg, hint=_TABLES)
    if isinstance(error, (UnicodeError, OverflowError, errors.DataError)):
        msg = f"the ledger {server} cannot hold a value: {text}"
        return InvalidInputError(msg, hint="texts are UTF-8, numbers have up to 63 bits")
    if isinstance(error, errors._WaitTimeout):  # noqa: SLF001 - it has no public name
        msg = f"the server of {server} gives no answer"
        return Unreachable(msg, hint="check that it runs and is reachable, then repeat the action")
    state = getattr(error, "sqlstate", None) or _state_of(text)
    if state in _SAID or state[:2] in _SAID:
        kind, says, hint = _SAID.get(state) or _SAID[state[:2]]
        msg = says.format(server=server, text=text, seconds=f"{server.timeout:g}")
        return kind(msg, hint=hint)
    if not state and isinstance(error, (errors.OperationalError, errors.InterfaceError)):
        msg = f"the server of {server} cannot be reached: {text}"
        return Unreachable(msg, hint="check that it runs and is reachable, then repeat the action")
    msg = f"the ledger {server} failed: {type(error).__name__}: {text}"
    return StorageError(msg, hint="the server's log says more")


def _state_of(text: str) -> str:
    """Return what the server said when it refused a connection: its client keeps the text only."""
    return next((state for state, sign in _REFUSALS if re.search(sign, text)), "")


def _brief(error: BaseException) -> str:
    """Return an error's first line; what the client was told to connect with is not in it."""
    diagnosis = getattr(error, "diag", None)
    text = getattr(diagnosis, "message_primary", None) or str(error)
    # Behind this word is what the server says; before it, which address was tried.
    said = text.strip().rpartition("FATAL:")[2].strip()
    return said.partition("\n")[0][:_LONGEST]
