from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from psycopg import errors

from aivcs.adapters.postgres import Server
from aivcs.adapters.postgres.failures import failure, is_down, is_lost
from aivcs.adapters.postgres.server import redacted
from aivcs.errors import (
    CorruptionError,
    InvalidConfig,
    InvalidInputError,
    StorageError,
    Unreachable,
)

if TYPE_CHECKING:
    import psycopg

    from aivcs.errors import AivcsError

SERVER = Server("postgresql://ann@db.example.org/agents", 7)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ann@db.example.org:5432/agents",
        "postgres://db.example.org/agents?sslmode=verify-full",
        "postgresql:///agents?host=/run/postgresql",
    ],
)
def test_urls(url: str) -> None:
    server = Server.parse(url, 3)
    assert (server.url, server.timeout) == (url, 3)
    assert str(server) == url.partition("?")[0]
    assert server.timeout < server.statement_seconds < server.answer_seconds


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("postgresql://ann:hush@db.example.org/agents", "holds a password"),
        ("postgresql://ann:@db.example.org/agents", "holds a password"),
        ("postgresql://ann:hu@sh@db.example.org/agents", "holds a password"),
        ("postgresql://db.example.org/agents?password=hush", "holds a password"),
        ("postgresql://db.example.org/agents?passfile=hush", "holds a password"),
        ("postgresql://db.example.org:port/hush", "not a database"),
        ('postgresql://db.example.org/"hush"', "not a database"),
        ("postgresql://db.example.org/a b", "not a database"),
        ("postgresql://db.example.org/agents#part", "not a database"),
        ("mysql://ann:hush@db.example.org/agents", "not a database"),
    ],
)
def test_wrong_urls(url: str, why: str) -> None:
    with pytest.raises(InvalidConfig, match=why) as caught:
        Server.parse(url)
    assert "ann:hu" not in caught.value.message
    assert "password=hush" not in caught.value.message
    assert caught.value.hint


def test_what_is_printed_has_no_password() -> None:
    assert redacted("postgresql://ann:hush@h/db?password=x") == "postgresql://ann@h/db"
    assert redacted("postgresql://ann:hu@sh@h/db") == "postgresql://ann@h/db"
    assert redacted("postgresql://ann:h/u?s@h/db") == "postgresql://ann@h/db"
    assert redacted("postgresql://h/db") == "postgresql://h/db"


def error_of(state: str) -> psycopg.Error:
    return errors.lookup(state)("it says so")


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (error_of("42P01"), CorruptionError, "has not the tables"),
        (error_of("XX001"), CorruptionError, "is damaged"),
        (error_of("42501"), StorageError, "may not do this"),
        (error_of("28P01"), Unreachable, "lets nobody in"),
        (errors.OperationalError("fe_sendauth: no password supplied"), Unreachable, "nobody in"),
        (error_of("3D000"), Unreachable, "no database"),
        (error_of("53100"), StorageError, "no room left"),
        (error_of("55P03"), StorageError, "locked for 7 seconds"),
        (error_of("57014"), StorageError, "longer than 7 seconds"),
        (error_of("40P01"), StorageError, "others kept writing"),
        (error_of("57P01"), Unreachable, "cannot be reached"),
        (errors.OperationalError("no route"), Unreachable, "cannot be reached: no route"),
        (errors._WaitTimeout("late"), Unreachable, "gives no answer"),
        (error_of("23505"), StorageError, "failed: UniqueViolation: it says so"),
        (error_of("22003"), InvalidInputError, "cannot hold a value"),
        (UnicodeEncodeError("utf-8", "\udc00", 0, 1, "no"), InvalidInputError, "cannot hold"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), CorruptionError, "not UTF-8: bad"),
        (OverflowError("too large"), InvalidInputError, "cannot hold a value: too large"),
    ],
)
def test_errors_are_told(error: BaseException, kind: type[AivcsError], says: str) -> None:
    told = failure(SERVER, error)
    assert type(told) is kind
    assert says in told.message
    assert str(SERVER) in told.message
    assert told.hint


def test_which_errors_mean_that_the_server_is_away() -> None:
    assert is_lost(error_of("57P01"))
    assert is_lost(errors.OperationalError("server closed the connection"))
    assert not is_lost(error_of("57014"))
    assert not is_lost(errors._WaitTimeout("late"))
    assert not is_lost(KeyError())
    assert is_down(error_of("57P03"))
    assert is_down(errors.OperationalError("FATAL:  the database system is starting up"))
    assert not is_down(errors.OperationalError("fe_sendauth: no password supplied"))
    assert not is_down(error_of("23505"))
