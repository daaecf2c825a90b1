"""The Ledger port on one SQLite file."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from aivcs.adapters.sqlite.connection import WAIT_SECONDS, Connection
from aivcs.adapters.sqlite.health import Health
from aivcs.adapters.sqlite.housekeeping import Housekeeping
from aivcs.adapters.sqlite.leases import Lease
from aivcs.adapters.sqlite.object_reads import ObjectReads
from aivcs.adapters.sqlite.run_reads import RunReads
from aivcs.domain.stored import HOT_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from aivcs.domain.batch import Batch, Receipt
    from aivcs.errors import AivcsError


_MANY: Final = 100
"""A batch of so many objects is inserted by statements of many rows."""


class SqliteLedger(RunReads, ObjectReads, Housekeeping, Health):
    """Runs, releases, specs, small objects and the index of packs; see ports.Ledger.

    ``create`` makes the file and its tables; without ``durable`` a power cut may take the
    newest commits (never a part of one). Locks of processes are in the folder ``tmp`` beside
    the file.
    """

    hot_limit = HOT_LIMIT

    def __init__(
        self,
        path: Path,
        *,
        create: bool = False,
        durable: bool = True,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self._db = Connection(path, create=create, durable=durable, wait_seconds=wait_seconds)
        self._locks = path.parent / "tmp"
        self._lease = Lease(self._locks)

    def commit(self, batch: Batch) -> Receipt:
        """Apply a batch in one transaction."""
        from aivcs.adapters.sqlite import committing

        with self._db.writing(synced=committing.synced(batch), many=_has_many((batch,))) as db:
            return committing.apply(db, batch, self._lease)

    def commit_all(self, batches: Sequence[Batch]) -> list[Receipt | AivcsError]:
        """Apply several batches in one transaction, each in a savepoint of its own."""
        from aivcs.adapters.sqlite import committing

        synced = committing.all_synced(batches)
        with self._db.writing(synced=synced, many=_has_many(batches)):
            return committing.apply_all(self._db, batches, self._lease)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the write transaction; it is synced however the ledger was opened.

        Files are deleted after it: a power cut must not bring their rows back.
        """
        with self._db.writing(synced=True):
            yield

    @property
    def wrote(self) -> bool:
        """Whether anything was written here; False when it is closed or another process's."""
        return self._db.wrote

    def check(self) -> list[str]:
        """Check the file, its tables, and what its rows say together."""
        from aivcs.adapters.sqlite.inspection import inspect

        return inspect(self._db.rows)

    def close(self) -> None:
        """Close the file and let go of what this process held."""
        self._db.close()
        self._lease.release()


def _has_many(batches: Sequence[Batch]) -> bool:
    return any(len(batch.objects) >= _MANY for batch in batches)
