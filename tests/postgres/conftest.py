from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from aivcs.adapters.postgres import PostgresLedger, Server
from tests.postgres.server import PASSWORD, PostgresServer, programs

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def programs_of_a_server() -> Iterator[None]:
    if programs() is None and "CI" not in os.environ:
        pytest.skip("there is no PostgreSQL server: apt-get install postgresql")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGPASSWORD", PASSWORD)
        yield


@pytest.fixture(scope="session")
def postgres(programs_of_a_server: None) -> Iterator[PostgresServer]:  # noqa: ARG001
    with PostgresServer() as running:
        yield running


@pytest.fixture(scope="session")
def breakable(programs_of_a_server: None) -> Iterator[PostgresServer]:  # noqa: ARG001
    """Return a server that a test may kill; afterwards it runs again."""
    with PostgresServer(quick=False) as running:
        yield running


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[str]:
    """Return the name of a database with an empty ledger."""
    name = postgres.new_database()
    yield name
    postgres.drop_database(name)


@pytest.fixture
def server(postgres: PostgresServer, database: str) -> Server:
    return Server(postgres.url(database), 20)


@pytest.fixture
def ledger(server: Server) -> Iterator[PostgresLedger]:
    opened = PostgresLedger(server)
    yield opened
    opened.close()
