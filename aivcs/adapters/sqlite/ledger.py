"""The Ledger port on one SQLite file."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import apsw

from aivcs.adapters.sqlite import appending, ending, object_writes, writes
from aivcs.adapters.sqlite.connection import WAIT_SECONDS, Connection
from aivcs.adapters.sqlite.health import Health
from aivcs.adapters.sqlite.housekeeping import Housekeeping
from aivcs.adapters.sqlite.leases import Lease
from aivcs.adapters.sqlite.object_reads import ObjectReads
from aivcs.adapters.sqlite.run_reads import RunReads
from aivcs.domain.batch import Batch, Receipt
from aivcs.domain.stored import HOT_LIMIT
from aivcs.domain.stream import Family
from aivcs.errors import AivcsError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


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
        with self._db.writing(synced=_synced(batch)) as db:
            return self._apply(db, batch)

    def commit_all(self, batches: Sequence[Batch]) -> list[Receipt | AivcsError]:
        """Apply several batches in one transaction, each in a savepoint of its own."""
        wishes = {_synced(batch) for batch in batches}
        synced = True if True in wishes else None if None in wishes else False
        answers: list[Receipt | AivcsError] = []
        with self._db.writing(synced=synced):
            for batch in batches:
                try:
                    with self._db.writing() as db:
                        answers.append(self._apply(db, batch))
                except StorageError as error:
                    # What a rule of the tables refuses is this batch alone.
                    if not isinstance(error.__cause__, apsw.ConstraintError):
                        raise
                    answers.append(error)
                except AivcsError as error:
                    answers.append(error)
        return answers

    def _apply(self, db: apsw.Connection, batch: Batch) -> Receipt:
        """Apply a batch inside of a transaction."""
        held = batch.hold or batch.holds or (batch.objects and self._lease.taken)
        known = _store(db, batch, self._lease.number(db) if held else 0)
        for spec in batch.specs:
            writes.put_spec(db, spec)
        for run in batch.runs:
            writes.create_run(db, run)
        epochs = tuple(ending.claim(db, wanted) for wanted in batch.claims)
        done = [(wanted, *appending.append(db, wanted)) for wanted in batch.appends]
        repeated = {wanted.name for wanted, _, again in done if again}
        if batch.references:
            writes.refer(db, batch.references)
        for end in batch.ends:
            ending.end_run(db, end, repeated=end.run_id in repeated)
        for erasure in batch.erasures:
            ending.erase(db, erasure)
        for expiry in batch.expired:
            writes.expire(db, expiry)
        if batch.unpinned:
            object_writes.unpin(db, batch.unpinned)
        if batch.deletions:
            object_writes.delete(db, batch.deletions)
        return Receipt(tuple(seqs for _, seqs, _ in done), known, epochs)

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


def _synced(batch: Batch) -> bool | None:
    """Tell how a batch is synced; None means as all others are.

    Always: what ends a run or a release's choice, and rows before their files are deleted.
    Never: holds alone, which mean nothing when the process is gone, and renewed leases
    alone, which a later deadline replaces.
    """
    if batch.holds and batch == Batch(holds=batch.holds):
        return False
    if batch.claims and batch == Batch(claims=batch.claims):
        return None if any(claim.epoch is None for claim in batch.claims) else False
    final = batch.ends or batch.erasures or batch.deletions or batch.dropped_packs
    if final or any(a.family is Family.RELEASE for a in batch.appends):
        return True
    return None


def _store(db: apsw.Connection, batch: Batch, lease: int) -> int:
    known = 0
    if batch.objects:
        large = [item.digest for item in batch.objects if item.data is None] if lease else []
        object_writes.let_go(db, large, lease)
        known = object_writes.put(db, batch.objects, lease if batch.hold else 0)
    if batch.holds:
        object_writes.hold(db, batch.holds, lease)
    _rearrange(db, batch, lease if batch.hold else 0)
    return known


def _rearrange(db: apsw.Connection, batch: Batch, lease: int) -> None:
    if batch.restored:
        object_writes.restore(db, batch.restored, lease)
    for new in batch.packs:
        object_writes.list_pack(db, new)
    if batch.moves:
        object_writes.move(db, batch.moves)
    if batch.finds:
        object_writes.find(db, batch.finds)
    if batch.dropped_packs:
        object_writes.drop_packs(db, batch.dropped_packs)
