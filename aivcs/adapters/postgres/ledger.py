"""The Ledger port on a PostgreSQL database."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg

from aivcs.adapters.postgres import (
    appending,
    ending,
    locks,
    numbering,
    object_writes,
    rewriting,
    schema,
    writes,
)
from aivcs.adapters.postgres.database import Database
from aivcs.adapters.postgres.gathering import Gathering
from aivcs.adapters.postgres.health import Health
from aivcs.adapters.postgres.housekeeping import Housekeeping
from aivcs.adapters.postgres.keeping import KeptTurn
from aivcs.adapters.postgres.leases import Lease, Upkeep
from aivcs.adapters.postgres.object_reads import ObjectReads
from aivcs.adapters.postgres.run_reads import RunReads
from aivcs.domain.batch import Batch, Receipt
from aivcs.domain.stream import Family
from aivcs.errors import AivcsError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aivcs.adapters.postgres.server import Server
    from aivcs.adapters.postgres.session import Session


class PostgresLedger(RunReads, ObjectReads, Housekeeping, Health):
    """Runs, releases, specs, small objects and the index of packs; see ports.Ledger.

    Opens the tables that ``claimed`` made, and brings older ones up to date. Without
    ``durable`` a crash of the server may take the newest commits (never a part of one).
    """

    hot_limit = 64 * 2**10

    def __init__(self, server: Server, *, durable: bool = True) -> None:
        self._db = Database(server, durable=durable)
        self._lease = Lease(self._db)
        self._upkeep = Upkeep(self._db)
        self._kept = KeptTurn(self._db)
        self._stained = set()
        try:
            self._db.prepare(schema.prepare)
        except BaseException:
            self._db.close()
            raise

    def commit(self, batch: Batch) -> Receipt:
        """Apply a batch in one transaction."""
        place = None if self._db.is_writing else _expecting(batch)
        if place is None:
            self._kept.let_go()
            return self._commit(batch)
        with self._kept.trying(place):
            return self._commit(batch, place)

    def _commit(self, batch: Batch, place: locks.Place | None = None) -> Receipt:
        def apply(session: Session) -> Receipt:
            if place is not None and self._kept.has(place):
                session.kept = locks.turn(place)
            return self._apply(session, batch)

        return self._db.transact(
            apply,
            alone=_is_alone(batch),
            synced=_synced(batch),
        )

    def commit_all(self, batches: Sequence[Batch]) -> list[Receipt | AivcsError]:
        """Apply several batches in one transaction; one that fails takes back its own part.

        What only appends to runs is gathered and written at once.
        """
        wishes = {_synced(batch) for batch in batches}
        synced = True if True in wishes else None if None in wishes else False
        alone = any(map(_is_alone, batches))

        def together(session: Session) -> list[Receipt | AivcsError]:
            self._lock(session, batches)
            if self._lease.taken:
                self._lease.number(session)
            gathering = Gathering(session)
            answers = [self._answer(session, gathering, batch) for batch in batches]
            gathering.write()
            return answers

        self._kept.let_go()
        return self._db.transact(together, alone=alone, synced=synced)

    def _lock(self, session: Session, batches: Sequence[Batch]) -> None:
        appending.lock(session, [wanted for batch in batches for wanted in batch.appends])

    def _answer(self, session: Session, gathering: Gathering, batch: Batch) -> Receipt | AivcsError:
        try:
            receipt = gathering.add(batch)
            if receipt is not None:
                return receipt
            gathering.write()
            with self._db.part():
                return self._apply(session, batch)
        except StorageError as error:
            # What a rule of the tables refuses is this batch alone.
            if not isinstance(error.__cause__, psycopg.IntegrityError):
                raise
            return error
        except AivcsError as error:
            return error

    def _apply(self, db: Session, batch: Batch) -> Receipt:
        """Apply a batch inside of a transaction."""
        self._upkeep.check()
        held = batch.hold or batch.holds or self._lease.taken
        known = _store(db, batch, self._lease.number(db) if held else 0)
        for spec in batch.specs:
            writes.put_spec(db, spec)
        for run in batch.runs:
            writes.create_run(db, run)
        self._lock(db, [batch])
        epochs = tuple(ending.claim(db, wanted) for wanted in batch.claims)
        done = [(wanted, *appending.append(db, wanted)) for wanted in batch.appends]
        repeated = {wanted.name for wanted, _, again, _ in done if again}
        numbers = [number for *_, found in done for number in found]
        numbers += numbering.announce(db, batch.announcements)
        if batch.references:
            writes.refer(db, batch.references)
        for end in batch.ends:
            ending.end_run(db, end, repeated=end.run_id in repeated)
        for erasure in batch.erasures:
            self._stained.update(rewriting.ERASED_FROM)
            ending.erase(db, erasure)
        for expiry in batch.expired:
            writes.expire(db, expiry)
        if batch.unpinned:
            object_writes.unpin(db, batch.unpinned)
        if batch.deletions:
            self._stained.update(rewriting.DELETED_FROM)
            object_writes.delete(db, batch.deletions)
        return Receipt(tuple(seqs for _, seqs, *_ in done), known, epochs, tuple(numbers))

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the one transaction that writes; it is synced however the ledger was opened.

        Files are deleted after it: a crash must not bring their rows back.
        """
        self._kept.let_go()
        with self._db.writing(synced=True):
            yield

    @property
    def wrote(self) -> bool:
        """Whether anything was written here."""
        return self._db.wrote

    def check(self) -> list[str]:
        """Check the tables, and what their rows say together."""
        from aivcs.adapters.postgres.inspection import inspect

        return inspect(self._db)

    def close(self) -> None:
        """Close all connections and let go of what this process held."""
        self._kept.close()
        self._db.close()
        self._lease.release()


def _expecting(batch: Batch) -> locks.Place | None:
    """Return the one run that a batch appends to, where it says what size it expects."""
    if len(batch.appends) != 1 or _is_alone(batch):
        return None
    (wanted,) = batch.appends
    if wanted.family is not Family.RUN or wanted.expected_size is None:
        return None
    return wanted.family.value, wanted.name


def _is_alone(batch: Batch) -> bool:
    """Tell whether a batch moves objects between tiers: nobody else may write meanwhile."""
    arranged = batch.restored or batch.packs or batch.moves or batch.finds
    return bool(arranged or batch.dropped_packs or batch.deletions)


def _synced(batch: Batch) -> bool | None:
    """Tell how a batch is synced; None means as all others are.

    Always: what ends a run or a release's choice, and rows before their files are deleted.
    Never: renewed leases alone, which a later deadline replaces.
    """
    if batch.claims and batch == Batch(claims=batch.claims):
        return None if any(claim.epoch is None for claim in batch.claims) else False
    final = batch.ends or batch.erasures or batch.deletions or batch.dropped_packs
    if final or batch.announcements or any(a.family is Family.RELEASE for a in batch.appends):
        return True
    return None


def _store(db: Session, batch: Batch, lease: int) -> int:
    known = 0
    if batch.objects:
        large = [item.digest for item in batch.objects if item.data is None] if lease else []
        if large:
            object_writes.let_go(db, large, lease)
        known = object_writes.put(db, batch.objects, lease if batch.hold else 0)
    if batch.holds:
        object_writes.hold(db, batch.holds, lease)
    _rearrange(db, batch, lease if batch.hold else 0)
    return known


def _rearrange(db: Session, batch: Batch, lease: int) -> None:
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
