"""Approvals: what somebody said of a spec before it is released.

An approval is a run of its own against exactly that spec, which is sealed when it ends, so
that a verdict can name what it rests on. Who approved is what he said of himself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from aivcs.domain.batch import Batch
from aivcs.domain.digest import Digest
from aivcs.domain.events import RunEvent
from aivcs.domain.names import check_name, check_text
from aivcs.domain.release import check_actor
from aivcs.domain.run import RunMetadata, RunStatus, RunSummary
from aivcs.domain.seal import seal_hash
from aivcs.domain.stream import RunQuery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aivcs.domain.run import RunRecord
    from aivcs.ports import Ledger
    from aivcs.services.runs import RunLedger
    from aivcs.services.specs import SpecStore

KIND: Final = "approval"
"""The kind of the event, and the tag of its run."""

_PAGE: Final = 200


class Approval(NamedTuple):
    """Who approved a spec; ``name`` is the agent it was approved for, None for any."""

    run_id: str
    spec_digest: Digest
    actor: str
    name: str | None
    comment: str | None
    seal: str


class Approvals:
    """Records approvals, and reads those of a spec."""

    def __init__(
        self, ledger: Ledger, runs: RunLedger, specs: SpecStore, actor: Callable[[], str]
    ) -> None:
        self._ledger = ledger
        self._runs = runs
        self._specs = specs
        self._actor = actor

    def approve(
        self,
        spec_digest: Digest | str,
        *,
        actor: str | None = None,
        name: str | None = None,
        comment: str | None = None,
    ) -> Approval:
        """Record that ``actor`` approves a spec, for the agent ``name`` or for any.

        Raises SpecNotFound, InvalidName, InvalidInputError.
        """
        spec = self._specs.get(spec_digest)
        who = check_actor(self._actor() if actor is None else actor)
        said = {
            "actor": who,
            "name": None if name is None else check_name(name),
            "comment": check_text("the comment", comment),
        }
        run = self._runs.prepare(spec.digest, RunMetadata(spec.name, tags={KIND: who}))
        events = self._runs.appending(run.run_id, [RunEvent(None, KIND, said)])
        summary = RunSummary(1, None, 0, success=True)
        end, _ = self._runs.ending(run.run_id, RunStatus.COMPLETED, summary, fresh=True)
        self._ledger.commit(
            Batch(objects=events.objects, runs=(run,), appends=events.appends, ends=(end,))
        )
        return Approval(
            run.run_id, spec.digest, who, name, comment, _seal(self._runs.get_run(run.run_id))
        )

    def of(self, spec_digest: Digest | str) -> Iterator[Approval]:
        """Yield the approvals of a spec, the newest first; what was erased approves nothing."""
        wanted = Digest.parse(spec_digest)
        after = None
        while True:
            page = self._ledger.runs(
                RunQuery(spec_digest=wanted, status=RunStatus.COMPLETED, after=after, limit=_PAGE)
            )
            for run in page:
                tags = run.metadata.tags
                if isinstance(tags, dict) and KIND in tags:
                    yield from self._said(run, wanted)
            if len(page) < _PAGE:
                return
            after = page[-1].run_id

    def _said(self, run: RunRecord, digest: Digest) -> Iterator[Approval]:
        for event in self._runs.iter_events(run.run_id):
            said: Any = event.payload
            if event.kind == KIND and isinstance(said, dict):
                who, name = said.get("actor"), said.get("name")
                if isinstance(who, str) and isinstance(name, str | None):
                    comment = said.get("comment")
                    yield Approval(run.run_id, digest, who, name, comment, _seal(run))


def _seal(run: RunRecord) -> str:
    return seal_hash(run, run.root or b"").hex()
