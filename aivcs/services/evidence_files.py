"""Files of results, and trajectories that bear verdicts, as evidence for one spec."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from aivcs.domain import evaluation, evidence_rules
from aivcs.domain.kinds import EVALUATION_RESULT
from aivcs.domain.run import RunMetadata
from aivcs.errors import InvalidEvidence
from aivcs.services.evidence_intake import Origin

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from aivcs.domain.canonical import Json
    from aivcs.domain.digest import Digest
    from aivcs.domain.evidence import Result
    from aivcs.domain.run import RunRecord
    from aivcs.domain.spec import AgentSpec
    from aivcs.evaluations import Report
    from aivcs.services.evidence_intake import Intake
    from aivcs.services.importing import Importer
    from aivcs.services.runs import RunLedger
    from aivcs.trajectories import Recorded

FORMAT_TAG: Final = "format"


@dataclass(frozen=True, slots=True)
class Recording:
    """What recording a file of results did.

    ``runs`` have the results, ``new`` tells whether they were recorded just now. ``skipped``
    counts tests of the file that did not run: they are no results.
    """

    spec_digest: Digest
    runs: tuple[RunRecord, ...]
    results: tuple[Result, ...]
    new: bool
    skipped: int = 0
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """What the caller says of a file, which is called ``name`` in messages."""

    name: str
    suite: str | None = None
    agent: str | None = None
    tags: Mapping[str, Json] = field(default_factory=dict)


def record_report(
    intake: Intake, spec: AgentSpec, report: Report, data: bytes, asked: Asked
) -> Recording:
    """Record a report as one run. Raises InvalidEvidence, InvalidName, SpecNotFound."""
    evidence_rules.check_spec(report.spec_digest, spec.digest, asked.name)
    name = f"{asked.name} ({report.skipped} skipped)" if report.skipped else asked.name
    checked = evidence_rules.checked(report.results, spec.digest, asked.suite, name)
    tags = {FORMAT_TAG: report.format, **asked.tags}
    metadata = RunMetadata(asked.agent or spec.name, tags=tags)
    payloads = (payload for _, payload in checked)
    origin = Origin(data, report.format, asked.suite)
    taken = intake.take(spec.digest, metadata, payloads, origin)
    results = tuple(result for result, _ in checked)
    return Recording(spec.digest, (taken.run,), results, taken.new, report.skipped)


def record_trajectories(
    importer: Importer,
    runs: RunLedger,
    spec: AgentSpec,
    data: bytes,
    format_name: str,
    asked: Asked,
) -> Recording:
    """Record trajectories as the runs that they are; all of them must be of this spec.

    Raises InvalidSource, InvalidEvidence, and what recording runs raises.
    """
    from aivcs.services.importing import Wanted

    def check(found: tuple[Recorded, ...]) -> None:
        payloads = (
            (f"event {number} of run {run.index} of {asked.name}", event.payload)
            for run in found
            for number, event in enumerate(run.events, 1)
            if event.kind == EVALUATION_RESULT
        )
        evidence_rules.check_some(list(_verdicts(payloads, asked)), asked.name)

    wanted = Wanted(format=format_name, agent=asked.agent or spec.name, tags=asked.tags)
    imported = importer.record(
        data, wanted, spec=spec, default_spec=lambda _: spec, name=asked.name, check=check
    )
    for run in imported.runs:
        if run.spec_digest != spec.digest:
            msg = (
                f"{asked.name} was recorded as runs of spec {run.spec_digest}: it is no evidence"
                f" for {spec.digest}"
            )
            raise InvalidEvidence(msg, hint="name the spec that ran; nothing was recorded")
    events = (
        (f"event {event.seq} of run {run.run_id}", event.payload)
        for run in imported.runs
        for event in runs.iter_events(run.run_id, kinds=(EVALUATION_RESULT,))
        if not event.erased
    )
    results = tuple(_verdicts(events, asked))
    evidence_rules.check_some(results, asked.name)
    return Recording(spec.digest, imported.runs, results, imported.new, warnings=imported.warnings)


def _verdicts(payloads: Iterable[tuple[str, Json]], asked: Asked) -> Iterator[Result]:
    seen: dict[tuple[str, str, int], str] = {}
    for where, payload in payloads:
        result = evaluation.check(payload if isinstance(payload, dict) else {}, where)
        evidence_rules.check_new(result, where, seen)
        if asked.suite not in {None, result.suite}:
            msg = f"{where} is of suite {result.suite!r:.200}, not of {asked.suite!r:.200}"
            raise InvalidEvidence(msg, hint="leave --suite (suite=) out: trajectories name theirs")
        yield result
