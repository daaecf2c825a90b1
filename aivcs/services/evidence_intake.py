"""Results become one finished run of the spec that they are of, all or none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aivcs.domain import canonical
from aivcs.domain.batch import Batch, Reference, Role
from aivcs.domain.events import RunEvent
from aivcs.domain.kinds import EVALUATION_RESULT
from aivcs.domain.run import RunId, RunStatus, RunSummary, Source
from aivcs.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aivcs.domain.canonical import Json
    from aivcs.domain.digest import Digest
    from aivcs.domain.run import RunMetadata, RunRecord
    from aivcs.domain.stored import StoredObject
    from aivcs.ports import Ledger
    from aivcs.services.objects import CasStore
    from aivcs.services.runs import RunLedger

_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Origin:
    """The file that results were read from, and in which form; ``suite`` as it was asked for."""

    data: bytes
    format: str
    suite: str | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """A run that has results, and whether it was recorded just now."""

    run: RunRecord
    new: bool


class Intake:
    """Records checked results.

    A run is known by its claim: which file is evidence for which spec. One file may be
    evidence for several specs, but is recorded once for each.
    """

    def __init__(self, ledger: Ledger, objects: CasStore, runs: RunLedger) -> None:
        self._ledger = ledger
        self._objects = objects
        self._runs = runs

    def take(
        self,
        spec: Digest,
        metadata: RunMetadata,
        payloads: Iterable[Mapping[str, Json]],
        origin: Origin | None,
    ) -> Taken:
        """Record results, as the payloads of their events; a claim again changes nothing.

        Raises SpecNotFound, InvalidName, StorageError.
        """
        objects: dict[Digest, StoredObject] = {}
        source, file = None, None
        if origin is not None:
            kept = self._objects.prepare(origin.data)
            claim = self._objects.prepare(_claim(spec, kept.digest, origin))
            objects = {kept.digest: kept, claim.digest: claim}
            source, file = Source(claim.digest, 0, origin.format), kept.digest
            known = self._ledger.run_from(source)
            if known is not None:
                return Taken(known, new=False)
        run = self._runs.prepare(spec, metadata, source=source)
        events = (RunEvent(None, EVALUATION_RESULT, payload) for payload in payloads)
        batch = self._runs.appending(run.run_id, events)
        objects.update((item.digest, item) for item in batch.objects)
        references = () if file is None else (Reference(file, Role.ARTIFACT, run.run_id),)
        summary = RunSummary(len(batch.appends[0].drafts), None, 0, success=True)
        end, _ = self._runs.ending(run.run_id, RunStatus.COMPLETED, summary, fresh=True)
        whole = Batch(
            objects=tuple(objects.values()),
            runs=(run,),
            appends=batch.appends,
            references=references,
            ends=(end,),
        )
        try:
            self._ledger.commit(whole)
        except ConflictError:
            known = None if source is None else self._ledger.run_from(source)
            if known is None:
                raise
            return Taken(known, new=False)
        return Taken(self._runs.get_run(RunId(run.run_id)), new=True)


def _claim(spec: Digest, file: Digest, origin: Origin) -> bytes:
    """Return what such a run is recorded from: the claim that this file is of this spec."""
    return canonical.dumps(
        {
            "v": _VERSION,
            "evaluation": {
                "spec": str(spec),
                "file": str(file),
                "format": origin.format,
                "suite": origin.suite,
            },
        }
    )
