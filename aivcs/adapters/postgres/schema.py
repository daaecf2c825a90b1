"""How a database becomes one of this format, from none or from an older one."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Final

from aivcs.adapters.postgres import locks, numbering, surroundings
from aivcs.adapters.postgres.failures import translated
from aivcs.adapters.postgres.guards import guards
from aivcs.adapters.postgres.session import SCHEMA, Session
from aivcs.adapters.postgres.tables import TABLES
from aivcs.errors import ConflictError, CorruptionError, RepositoryTooNew, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.adapters.postgres.server import Server

OLDEST_SERVER: Final = 140000

MIGRATIONS: Final[tuple[str, ...]] = (
    TABLES + guards(SCHEMA),
    numbering.migration(SCHEMA),
    surroundings.MIGRATION,
)
"""Step n brings a database of schema version n to n + 1; the row of ``repository`` counts them."""

_FIND: Final = f"SELECT to_regclass('{SCHEMA}.repository') IS NOT NULL"


def version(session: Session) -> int:
    """Return the database's schema version, 0 where there is none.

    Raises RepositoryTooNew, and CorruptionError where the row that says it is lost.
    """
    ((there,),) = session.rows(_FIND)
    if not there:
        return 0
    found = session.rows("SELECT schema FROM repository")
    if not found:
        msg = f"the ledger {session.server} has tables, but its schema has no number"
        raise CorruptionError(msg, hint="restore the database from a backup")
    ((number,),) = found
    if number > len(MIGRATIONS):
        msg = f"{session.server} has schema {number}, this aivcs knows up to {len(MIGRATIONS)}"
        raise RepositoryTooNew(msg, hint="install a newer aivcs")
    return int(number)


def prepare(session: Session) -> None:
    """Bring an older database up to date; one process does it, the others wait.

    Raises CorruptionError where there is no ledger, RepositoryTooNew.
    """
    if check(session) == len(MIGRATIONS):
        return
    session.run("BEGIN")
    session.run(locks.call("pg_advisory_xact_lock", locks.MIGRATION))
    for step in MIGRATIONS[check(session) :]:
        session.script(step)
    session.run("UPDATE repository SET schema = %s", (len(MIGRATIONS),))
    session.run("COMMIT")


def check(session: Session) -> int:
    """Return the schema's version.

    Raises CorruptionError where there is no ledger, RepositoryTooNew.
    """
    number = version(session)
    if number == 0:
        msg = f"there is no repository in {session.server}"
        raise CorruptionError(msg, hint="restore the database from a backup")
    return number


@contextmanager
def claimed(server: Server, objects: str) -> Iterator[bool]:
    """Make the ledger's tables for a block, or find them there; yields whether they are new.

    ``objects`` says where the repository keeps its objects: who joins must keep them there
    as well. When the block fails, new tables are removed again. Raises ConflictError for a
    database whose repository keeps its objects elsewhere, StorageError.
    """
    with translated(server), closing(Session(server, durable=True).unhurried()) as session:
        _check_server(session)
        session.run("BEGIN")
        session.run(locks.call("pg_advisory_xact_lock", locks.MIGRATION))
        new = version(session) == 0
        if new:
            _make(session, objects)
        else:
            _check_place(session, objects)
        session.run("COMMIT")
        try:
            yield new
        except BaseException:
            if new and not session.closed:
                session.run(f"DROP SCHEMA {SCHEMA} CASCADE")
            raise


def _make(session: Session, objects: str) -> None:
    session.script(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    for step in MIGRATIONS:
        session.script(step)
    session.run(
        "INSERT INTO repository (schema, objects) VALUES (%s, %s)", (len(MIGRATIONS), objects)
    )


def _check_place(session: Session, objects: str) -> None:
    ((place,),) = session.rows("SELECT objects FROM repository")
    if place != objects:
        msg = f"{session.server} has a repository that keeps its objects in {place}"
        raise ConflictError(msg, hint="name the same place with --objects, or another database")


def _check_server(session: Session) -> None:
    number = session.raw.info.server_version
    if number < OLDEST_SERVER:
        msg = f"the server of {session.server} is PostgreSQL {number // 10000}"
        raise StorageError(msg, hint=f"aivcs needs {OLDEST_SERVER // 10000} or newer")
    ((encoding,),) = session.rows("SELECT current_setting('server_encoding')")
    if encoding != "UTF8":
        msg = f"the database of {session.server} has the encoding {encoding}"
        raise StorageError(msg, hint="make one with ENCODING 'UTF8'")
