"""Which ledger serves a repository: the file in its folder, or a database on a server."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

from aivcs.errors import InvalidConfig
from aivcs.ports import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType

    from aivcs.adapters.files.config import Config

FILE: Final = "aivcs.db"


class WritingLedger(Ledger, Protocol):
    """A ledger that knows whether this process has changed it."""

    @property
    def wrote(self) -> bool:
        """Whether anything was written here."""
        ...


def check_url(url: str) -> None:
    """Raise InvalidConfig unless the URL names a ledger that can be made."""
    from aivcs.adapters.files import config

    if url == config.LEDGER_URL:
        return
    if not url.startswith(config.DATABASES):
        msg = f"no adapter serves {url.rpartition('@')[2]!r}"
        hint = f"{config.LEDGER_URL!r} or 'postgresql://USER@HOST/DATABASE'"
        raise InvalidConfig(msg, hint=hint)
    _postgres().Server.parse(url)


@contextmanager
def made(url: str, folder: Path, objects: str) -> Iterator[bool]:
    """Make the ledger for a block, or join the one of a database; yields whether it is new.

    What is new in a database is removed again when the block fails. Raises ConflictError
    for a database whose repository keeps its objects elsewhere, InvalidConfig, StorageError.
    """
    from aivcs.adapters.files import config

    if url == config.LEDGER_URL:
        from aivcs.adapters.sqlite import SqliteLedger

        SqliteLedger(folder / FILE, create=True).close()
        yield True
        return
    postgres = _postgres()
    with postgres.claimed(postgres.Server.parse(url), _shared(objects, folder)) as new:
        yield new


def open_ledger(config: Config, folder: Path, *, durable: bool) -> WritingLedger:
    """Return the ledger of a repository. Raises StorageError, CorruptionError, InvalidConfig."""
    from aivcs.adapters.files.config import LEDGER_URL

    if config.ledger_url == LEDGER_URL:
        from aivcs.adapters.sqlite import SqliteLedger

        return SqliteLedger(folder / FILE, durable=durable)
    postgres = _postgres()
    server = postgres.Server.parse(config.ledger_url, config.ledger_timeout)
    ledger: WritingLedger = postgres.PostgresLedger(server, durable=durable)
    return ledger


def _shared(objects: str, folder: Path) -> str:
    """Return what tells one place of objects from all others, for all machines."""
    from aivcs.adapters.files.config import OBJECTS_URL

    if objects != OBJECTS_URL:
        return objects
    from socket import gethostname

    return f"files:{gethostname()}:{folder / 'objects'}"


def _postgres() -> ModuleType:
    try:
        from aivcs.adapters import postgres
    except ImportError as error:
        msg = "a ledger on a PostgreSQL server needs the package psycopg"
        raise InvalidConfig(msg, hint="pip install 'aivcs[postgres]'") from error
    return postgres
