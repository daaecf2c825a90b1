"""What was said about a file of runs that was recorded already, and is not so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from aivcs.domain.digest import Digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aivcs.domain.run import RunRecord
    from aivcs.domain.spec import AgentSpec
    from aivcs.services.importing import Wanted


def not_applied(
    runs: Sequence[RunRecord], wanted: Wanted, spec: AgentSpec | None
) -> tuple[str, ...]:
    """Say what of ``wanted`` and ``spec`` the runs, recorded before, do not have."""
    return tuple(dict.fromkeys(said for run in runs for said in _differing(run, wanted, spec)))


def _differing(run: RunRecord, wanted: Wanted, spec: AgentSpec | None) -> Iterator[str]:
    known, summary = run.metadata, run.summary
    if wanted.agent not in {None, known.agent_name}:
        yield f"it was recorded as runs of {known.agent_name}, not of {wanted.agent}"
    if spec is not None and spec.digest != run.spec_digest:
        yield f"it was recorded against spec {run.spec_digest!s:.12}, not {spec.digest.short()}"
    tags = known.tags if isinstance(known.tags, Mapping) else {}
    for key, value in (wanted.tags or {}).items():
        if tags.get(key) != value:
            yield f"the tag {key}={value} was not added"
    if wanted.status not in {None, run.status}:
        yield f"it was recorded as {run.status.value}"
    state = None if summary is None else summary.final_state_digest
    if wanted.final_state is not None and Digest.of(wanted.final_state) != state:
        yield "the final state was not added"
