"""The EvidenceStore: results of evaluations, recorded and read back for exactly one spec."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from aivcs.domain import evidence_rules
from aivcs.domain.digest import Digest
from aivcs.domain.evidence import Evidence, Result, summaries
from aivcs.domain.run import RunMetadata
from aivcs.domain.spec import AgentSpec
from aivcs.errors import SpecNotFound
from aivcs.services import evidence_reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from aivcs.domain.canonical import Json
    from aivcs.domain.comparison import Shifted
    from aivcs.domain.evidence import Summary
    from aivcs.domain.run import RunId
    from aivcs.ports import Ledger
    from aivcs.services.evidence_files import Recording
    from aivcs.services.evidence_intake import Intake
    from aivcs.services.importing import Importer
    from aivcs.services.objects import CasStore
    from aivcs.services.runs import RunLedger
    from aivcs.services.specs import SpecStore


class EvidenceStore:
    """Evidence for specs: ``evaluation_result`` events of runs of exactly these specs.

    When it is read, only runs that have ended count, and each must be what was sealed.
    """

    def __init__(
        self,
        ledger: Ledger,
        objects: CasStore,
        specs: SpecStore,
        runs: RunLedger,
        importer: Importer,
    ) -> None:
        self._ledger = ledger
        self._objects = objects
        self._specs = specs
        self._runs = runs
        self._importer = importer

    def record(
        self,
        spec: Digest | str | AgentSpec,
        results: Iterable[Result | Mapping[str, Json]],
        *,
        agent: str | None = None,
        suite: str | None = None,
        tags: Mapping[str, Json] | None = None,
        source: bytes | None = None,
    ) -> RunId:
        """Record results as a finished run of the spec, all or none, and return its id.

        A mapping has the fields of a Result, and others that are kept with them. ``suite`` is
        that of all results. ``source`` is the file that they were read from: given again for
        the same spec it changes nothing, and the answer is the run of the first time. Raises
        SpecNotFound, InvalidEvidence (no result, or one that is wrong), InvalidName.
        """
        from aivcs.services.evidence_intake import Origin

        found = self._specs.get(_digest(spec))
        reported = (
            (f"result {number}", _fields(result)) for number, result in enumerate(results, 1)
        )
        checked = evidence_rules.checked(reported, found.digest, suite, "the list")
        metadata = RunMetadata(agent or found.name, tags=dict(tags or {}))
        origin = None if source is None else Origin(source, "results", suite)
        payloads = (payload for _, payload in checked)
        return self._intake().take(found.digest, metadata, payloads, origin).run.run_id

    def record_file(  # noqa: PLR0913 - what there is to say about a file
        self,
        spec: Digest | str | AgentSpec,
        data: bytes,
        *,
        format: str = "auto",  # noqa: A002 - the word the command line uses
        suite: str | None = None,
        agent: str | None = None,
        tags: Mapping[str, Json] | None = None,
        name: str = "input",
    ) -> Recording:
        """Record the results of a file, all or none; the same file again changes nothing.

        A file of results (JUnit XML, JSON, JSON Lines) becomes one run. Trajectories become
        the runs that they are, and must bear verdicts. ``suite`` is that of all results,
        ``name`` what messages call the file. Raises SpecNotFound, InvalidSource, InvalidEvidence
        (no result, one that is wrong, or evidence for another spec), InvalidName.
        """
        from aivcs import evaluations
        from aivcs.services import evidence_files

        found = self._specs.get(_digest(spec))
        asked = evidence_files.Asked(name, suite, agent, dict(tags or {}))
        report = evaluations.read(data, format, name=name)
        if isinstance(report, str):
            return evidence_files.record_trajectories(
                self._importer, self._runs, found, data, report, asked
            )
        return evidence_files.record_report(self._intake(), found, report, data, asked)

    def of(self, spec: Digest | str | AgentSpec, suite: str | None = None) -> Evidence:
        """Return all results for a spec, or those of one suite, in a fixed order.

        RUNNING runs do not count. Raises SpecNotFound, IntegrityError for an ended run of the
        spec that is not what was sealed, CorruptionError for what cannot be read.
        """
        digest = _digest(spec)
        if not self._ledger.specs(digest):
            msg = f"no spec {digest} is stored here"
            raise SpecNotFound(msg, hint="'aivcs spec list' shows the specs")
        found: list[Result] = []
        seals: list[tuple[str, str]] = []
        unreadable = erased = 0
        for run in evidence_reading.sealed_runs(self._ledger, self._objects, digest):
            results = [one for one in run.results if suite in {None, one.suite}]
            if results or run.unreadable:
                seals.append((run.run_id, run.seal.hex()))
            found += results
            unreadable += run.unreadable
            erased += run.erased
        found.sort(key=lambda one: (one.suite, one.example_id, one.trial, one.run_id, one.seq))
        return Evidence(digest, tuple(found), tuple(sorted(seals)), unreadable, erased)

    def compare(
        self,
        before: Digest | str | AgentSpec,
        after: Digest | str | AgentSpec,
        suite: str | None = None,
    ) -> tuple[Shifted, ...]:
        """Return the examples that do otherwise with one spec than with another, flips first.

        Raises as ``of``.
        """
        from aivcs.domain.comparison import compare

        return compare(self.of(before, suite), self.of(after, suite))

    def iter_summaries(self) -> Iterator[Summary]:
        """Yield one summary for each spec and suite with results, the newest spec first."""
        for digest in dict.fromkeys(row.digest for row in self._ledger.specs()):
            yield from summaries(self.of(digest))

    def list(self, limit: int | None = None) -> list[Summary]:
        """Return up to ``limit`` summaries, as ``iter_summaries`` yields them.

        Raises InvalidInputError for a negative limit or another number.
        """
        from aivcs.domain.counting import at_most

        return list(islice(self.iter_summaries(), at_most(limit)))

    def _intake(self) -> Intake:
        from aivcs.services.evidence_intake import Intake

        return Intake(self._ledger, self._objects, self._runs)


def _digest(spec: Digest | str | AgentSpec) -> Digest:
    return spec.digest if isinstance(spec, AgentSpec) else Digest.parse(spec)


def _fields(result: Result | Mapping[str, Json]) -> Mapping[str, Json]:
    if not isinstance(result, Result):
        return result
    named: dict[str, Json] = result._asdict()
    del named["run_id"], named["seq"]
    return named
