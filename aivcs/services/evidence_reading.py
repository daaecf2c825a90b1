"""Reading the results of one spec, from ended runs whose seals hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from aivcs.domain import evaluation, log_rows
from aivcs.domain.kinds import EVALUATION_RESULT
from aivcs.domain.leaves import Leaves
from aivcs.domain.merkle import Frontier
from aivcs.domain.seal import seal_hash
from aivcs.domain.stream import Family, RunQuery
from aivcs.errors import IntegrityError
from aivcs.services import bodies

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aivcs.domain.digest import Digest
    from aivcs.domain.evidence import Result
    from aivcs.domain.run import RunRecord
    from aivcs.domain.stream import Entry, Sealing
    from aivcs.ports import Ledger
    from aivcs.services.objects import CasStore

_PAGE: Final = 500
_KIND: Final = 1


class SealedRun(NamedTuple):
    """An ended run with the hash in its seal, its results, and how many say nothing.

    Those that were erased are among the last.
    """

    run_id: str
    seal: bytes
    results: list[Result]
    unreadable: int
    erased: int = 0


def sealed_runs(ledger: Ledger, objects: CasStore, spec: Digest) -> Iterator[SealedRun]:
    """Yield the ended runs of a spec, the newest first, one in memory at a time.

    Every event of each is hashed: a run that is not what was sealed is evidence of nothing,
    and leaving it out could make a bad spec look good. Raises IntegrityError then, and
    CorruptionError for a row or body that cannot be read.
    """
    after: str | None = None
    while page := ledger.runs(RunQuery(spec_digest=spec, after=after, limit=_PAGE)):
        ended = [run for run in page if run.status.terminal]
        seals = ledger.seals_of([run.run_id for run in ended])
        for run in ended:
            yield _read(ledger, objects, run, seals.get(run.run_id))
        after = page[-1].run_id


def sealed_run(ledger: Ledger, objects: CasStore, run: RunRecord) -> SealedRun:
    """Return one ended run. Raises as ``sealed_runs``."""
    return _read(ledger, objects, run, ledger.seals_of([run.run_id]).get(run.run_id))


def _read(ledger: Ledger, objects: CasStore, run: RunRecord, sealing: Sealing | None) -> SealedRun:
    seal, entries = _sound(ledger, run, sealing)
    found = [
        evaluation.read(payload, run.run_id, entry.seq, str(run.spec_digest))
        for entry, payload in bodies.payloads(objects, entries)
    ]
    results = [one for one in found if one is not None]
    erased = sum(entry.commitment is not None for entry in entries)
    return SealedRun(str(run.run_id), seal, results, len(found) - len(results), erased)


def _sound(ledger: Ledger, run: RunRecord, seal: Sealing | None) -> tuple[bytes, list[Entry]]:
    """Return the hash in the seal and the entries of results; the whole log is held to it."""
    leaves, tree = Leaves(), Frontier()
    found: list[Entry] = []
    for page in ledger.stored_rows(Family.RUN, run.run_id):
        tree = tree.grown(leaves.take(page))
        if leaves.wrong or leaves.gap is not None:
            raise _unsound(run, leaves.wrong[0][1] if leaves.wrong else "an event is missing")
        found += [log_rows.entry(row) for row in page if row[_KIND] == EVALUATION_RESULT]
    if run.root is None or tree.root() != run.root:
        raise _unsound(run, "its events are not those that were sealed")
    if seal is None or seal_hash(run, run.root) != seal.hash:
        raise _unsound(run, "its closing record is not the one sealed")
    return seal.hash, found


def _unsound(run: RunRecord, why: str) -> IntegrityError:
    msg = f"run {run.run_id} cannot count as evidence: {why}"
    return IntegrityError(msg, hint="'aivcs verify' says more; restore the ledger from a copy")
