"""Proofs that leave the repository: a release or a run, shown to whoever has the log's key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aivcs.domain.key_rotation import announced, is_announcement
from aivcs.domain.log_proof import Proof
from aivcs.domain.merkle import leaf_hash
from aivcs.domain.proof_content import attach_release
from aivcs.domain.seal import seal_text
from aivcs.domain.stream import Family
from aivcs.domain.tile_tree import TileTree
from aivcs.errors import CorruptionError, InvalidRunState, KeyNotFound, ProofInvalid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aivcs.domain.note import Verifier
    from aivcs.domain.release import ReleaseRecord
    from aivcs.domain.run import RunRecord
    from aivcs.ports import Ledger
    from aivcs.services.objects import CasStore
    from aivcs.services.publishing import Publisher

_PAGE = 500


def prove_release(
    ledger: Ledger, objects: CasStore, publisher: Publisher, record: ReleaseRecord
) -> Proof:
    """Return the proof of a release; what is not published yet is published first.

    Raises as ``Publisher.publish``, and CorruptionError where the files of the log are wrong.
    """
    entry = next(ledger.entries(Family.RELEASE, record.name, after=record.seq - 1, limit=1))
    body = entry.body if entry.object is None else objects.get(entry.object).decode()
    return _prove(publisher, (entry.number or 1) - 1, attach_release(entry, body or ""))


def prove_run(ledger: Ledger, publisher: Publisher, run: RunRecord) -> Proof:
    """Return the proof of a run that has ended. Raises InvalidRunState, and as above."""
    if run.root is None:
        msg = f"run {run.run_id} is {run.status.value}, so nothing can be proved of it"
        raise InvalidRunState(msg, hint="a run is sealed when it ends")
    return _prove(publisher, _number(ledger, run) - 1, seal_text(run, run.root).encode())


def prove_key(ledger: Ledger, publisher: Publisher, old: Sequence[Verifier]) -> Proof:
    """Return the proof of which key came after one of ``old``.

    Raises KeyNotFound where none did, and as above.
    """
    after = 0
    while page := ledger.release_log(after, _PAGE):
        for line in page:
            entry = (line.announcement or "").encode()
            if is_announcement(entry) and any(_vouches(key, entry) for key in old):
                return _prove(publisher, line.number - 1, b"")
        after = page[-1].number
    msg = f"no key came after {', '.join(key.text() for key in old)}"
    raise KeyNotFound(msg, hint="'aivcs key rotate' goes over to a new one")


def _vouches(key: Verifier, entry: bytes) -> bool:
    try:
        announced(entry, key.name, key)
    except ProofInvalid:
        return False
    return True


def _number(ledger: Ledger, run: RunRecord) -> int:
    after = 0
    while page := ledger.seals(after, _PAGE):
        for seal in page:
            if seal.run_id == run.run_id:
                return seal.number
        after = page[-1].number
    msg = f"run {run.run_id} has ended and is not sealed"
    raise CorruptionError(msg, hint="'aivcs verify' says more")


def _prove(publisher: Publisher, index: int, attached: bytes) -> Proof:
    published = publisher.publish()
    head = None if published is None else published.checkpoint
    (leaf,) = publisher.leaves.page(index, 1)
    if head is None or index >= head.checkpoint.size:
        msg = f"entry {index} is not in the published log"
        raise CorruptionError(msg, hint="'aivcs verify' says more")
    tree = TileTree(head.checkpoint.size, head.checkpoint.root, publisher.folder.read)
    if tree.leaf(index) != leaf_hash(leaf):
        msg = f"entry {index} of the log {head.checkpoint.origin} is not the one of the ledger"
        raise CorruptionError(msg, hint="'aivcs verify' says more")
    return Proof(index, tuple(tree.inclusion(index)), head, leaf, attached)
