"""A batch, part by part; called inside the write transaction only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import apsw

from aivcs.adapters.sqlite import object_writes
from aivcs.domain.batch import Batch, Receipt
from aivcs.errors import AivcsError, StorageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aivcs.adapters.sqlite.connection import Connection
    from aivcs.adapters.sqlite.leases import Lease


def apply(db: apsw.Connection, batch: Batch, lease: Lease) -> Receipt:
    """Write all that a batch says; ``lease`` is what this process holds objects by."""
    held = batch.hold or batch.holds or (batch.objects and lease.taken)
    known = _store(db, batch, lease.number(db) if held else 0)
    receipt = Receipt(known=known)
    repeated: frozenset[str] = frozenset()
    if batch.specs or batch.runs or batch.claims or batch.appends or batch.announcements:
        receipt, repeated = _append(db, batch, known)
    if batch.references:
        object_writes.refer(db, batch.references)
    if batch.ends or batch.erasures or batch.expired:
        _end(db, batch, repeated)
    if batch.unpinned:
        object_writes.unpin(db, batch.unpinned)
    if batch.deletions:
        object_writes.delete(db, batch.deletions)
    return receipt


def apply_all(
    connection: Connection, batches: Sequence[Batch], lease: Lease
) -> list[Receipt | AivcsError]:
    """Write several batches, each in a savepoint of its own; return what became of each."""
    answers: list[Receipt | AivcsError] = []
    for batch in batches:
        try:
            with connection.writing() as db:
                answers.append(apply(db, batch, lease))
        except StorageError as error:
            # What a rule of the tables refuses is this batch alone.
            if not isinstance(error.__cause__, apsw.ConstraintError):
                raise
            answers.append(error)
        except AivcsError as error:
            answers.append(error)
    return answers


def synced(batch: Batch) -> bool | None:
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
    if final or batch.announcements:
        return True
    if batch.appends:
        from aivcs.domain.stream import Family

        if any(wanted.family is Family.RELEASE for wanted in batch.appends):
            return True
    return None


def all_synced(batches: Sequence[Batch]) -> bool | None:
    """Tell how several batches are synced together: as the one that needs it most."""
    wishes = {synced(batch) for batch in batches}
    return True if True in wishes else None if None in wishes else False


def _append(db: apsw.Connection, batch: Batch, known: int) -> tuple[Receipt, frozenset[str]]:
    """Write specs, runs, leases and entries; return the names of the streams that had theirs."""
    # Loaded only here: who stores objects alone waits for nothing of the log.
    from aivcs.adapters.sqlite import appending, ending, numbering, writes

    for spec in batch.specs:
        writes.put_spec(db, spec)
    for run in batch.runs:
        writes.create_run(db, run)
    epochs = tuple(ending.claim(db, wanted) for wanted in batch.claims)
    done = [(wanted, *appending.append(db, wanted)) for wanted in batch.appends]
    numbers = [number for *_, found in done for number in found]
    numbers += numbering.announce(db, batch.announcements)
    receipt = Receipt(tuple(seqs for _, seqs, *_ in done), known, epochs, tuple(numbers))
    return receipt, frozenset(wanted.name for wanted, _, again, _ in done if again)


def _end(db: apsw.Connection, batch: Batch, repeated: frozenset[str]) -> None:
    from aivcs.adapters.sqlite import ending, writes

    for end in batch.ends:
        ending.end_run(db, end, repeated=end.run_id in repeated)
    for erasure in batch.erasures:
        ending.erase(db, erasure)
    for expiry in batch.expired:
        writes.expire(db, expiry)


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
