"""Verification: everything that is stored is read, hashed and checked against itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aivcs.domain.batch import Family, Role, RunQuery
from aivcs.domain.blobname import large_name
from aivcs.domain.release import lineage_problems
from aivcs.domain.report import Problem, Report, Severity
from aivcs.domain.run import RunStatus
from aivcs.domain.spec import read_component_document, read_spec_document
from aivcs.errors import CorruptionError, NotFound
from aivcs.services import bodies
from aivcs.services.releases import read_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from aivcs.domain.batch import Entry
    from aivcs.domain.digest import Digest
    from aivcs.domain.release import ReleaseRecord
    from aivcs.domain.run import RunRecord
    from aivcs.ports import BlobStore, Ledger
    from aivcs.services.objects import CasStore

_PAGE: Final = 500


class Verifier:
    """Checks a repository and names what is damaged and what that breaks."""

    def __init__(self, ledger: Ledger, blobs: BlobStore, objects: CasStore) -> None:
        self._ledger = ledger
        self._blobs = blobs
        self._objects = objects

    def verify(
        self, *, objects: bool, runs: bool, releases: bool, advance: Callable[[], None]
    ) -> Report:
        """Check the parts asked for; damage is reported, never raised.

        ``advance`` is called for each object, run, event and release.
        """
        checked = _Tally(advance)
        problems: list[Problem] = []
        try:
            problems += [Problem("ledger", "aivcs.db", text) for text in self._ledger.check()]
            if objects:
                problems += self._check_objects(checked)
                problems += self._check_specs()
            if runs:
                problems += self._check_runs(checked)
            if releases:
                problems += self._check_releases(checked)
        except CorruptionError as error:
            problems.append(Problem("ledger", "aivcs.db", error.message))
        return Report(checked.counts, tuple(problems))

    def _check_objects(self, checked: _Tally) -> Iterator[Problem]:
        large: set[str] = set()
        after: Digest | None = None
        while page := self._ledger.digests(after=after, limit=_PAGE):
            for digest, stored in self._ledger.objects(page).items():
                checked.add("objects")
                if stored.data is None:
                    large.add(large_name(digest))
                try:
                    if stored.data is None:
                        self._objects.check(digest)
                    else:
                        self._objects.read(stored)
                except NotFound:
                    continue  # somebody deleted it meanwhile
                except CorruptionError as error:
                    needed = self._ledger.holders(digest)
                    breaks = f"; this breaks {', '.join(needed)}" if needed else ""
                    yield Problem("object", str(digest), error.message + breaks)
            after = page[-1]
        for name in self._blobs.names():
            if name not in large:
                detail = "no object of the ledger is stored in this file"
                yield Problem("blob", name, detail, Severity.WARNING)

    def _check_specs(self) -> Iterator[Problem]:
        for digest in dict.fromkeys(spec.digest for spec in self._ledger.specs()):
            try:
                yield from self._check_spec(digest)
            except (CorruptionError, NotFound) as error:
                yield Problem("spec", str(digest), error.message)

    def _check_spec(self, digest: Digest) -> Iterator[Problem]:
        components = read_spec_document(self._objects.get(digest))
        for component, document in components.items():
            if document is None:
                continue
            files = read_component_document(self._objects.get(document))
            stored = self._ledger.objects([file.digest for file in files])
            for file in files:
                if file.digest not in stored:
                    detail = f"{component} file {file.path} ({file.digest}) is not stored"
                    yield Problem("spec", str(digest), detail)

    def _check_runs(self, checked: _Tally) -> Iterator[Problem]:
        known = {spec.digest for spec in self._ledger.specs()}
        after = None
        while page := self._ledger.runs(RunQuery(after=after, limit=_PAGE)):
            for run in page:
                checked.add("runs")
                if run.spec_digest not in known:
                    yield Problem("run", run.run_id, f"its spec {run.spec_digest} is not stored")
                yield from self._check_run(run, checked)
            after = page[-1].run_id
        for reference in self._ledger.references():
            if reference.digest not in self._ledger.objects([reference.digest]):
                role = "pinned object" if reference.role is Role.PIN else reference.role.value
                owner = reference.run_id or str(reference.digest)
                yield Problem("reference", owner, f"its {role} {reference.digest} is not stored")

    def _check_run(self, run: RunRecord, checked: _Tally) -> Iterator[Problem]:
        if run.source and run.source.digest not in self._ledger.objects([run.source.digest]):
            yield Problem("run", run.run_id, f"its source {run.source.digest} is not stored")
        if (run.status is RunStatus.RUNNING) != (run.completed_at is None):
            yield Problem(
                "run", run.run_id, f"it is {run.status.value}, but its end says otherwise"
            )
        entries = self._ledger.entries(Family.RUN, run.run_id)
        counted = _Dense(entries)
        try:
            for _ in bodies.payloads(self._objects, counted):
                checked.add("events")
        except CorruptionError as error:
            yield Problem("run", run.run_id, f"at event {counted.last}: {error.message}")
        if counted.gap is not None:
            yield Problem("run", run.run_id, f"event {counted.gap} is missing")
        waiting = self._ledger.waiting(run.run_id)
        if waiting and run.status.terminal:
            seqs = ", ".join(str(seq) for seq in list(waiting)[:20])
            detail = f"it ended with a gap: events {seqs} came early and stayed outside the log"
            yield Problem("gap", run.run_id, detail, Severity.WARNING)

    def _check_releases(self, checked: _Tally) -> Iterator[Problem]:
        known = {spec.digest for spec in self._ledger.specs()}
        for stream in self._ledger.streams(Family.RELEASE):
            records: list[ReleaseRecord] = []
            counted = _Dense(self._ledger.entries(Family.RELEASE, stream.name))
            try:
                for entry, body in bodies.payloads(self._objects, counted):
                    checked.add("releases")
                    records.append(read_record(stream.name, entry, body))
            except CorruptionError as error:
                yield Problem("release", stream.name, f"at seq {counted.last}: {error.message}")
                continue
            for record in records:
                if record.spec_digest not in known:
                    detail = (
                        f"seq {record.seq} names spec {record.spec_digest}, which is not stored"
                    )
                    yield Problem("release", stream.name, detail)
            for detail in lineage_problems(records):
                yield Problem("release", stream.name, detail)


class _Tally:
    """Counts what was checked, and tells whoever watches."""

    def __init__(self, advance: Callable[[], None]) -> None:
        self.counts = {"objects": 0, "runs": 0, "events": 0, "releases": 0}
        self._advance = advance

    def add(self, what: str) -> None:
        """Count one more."""
        self.counts[what] += 1
        self._advance()


class _Dense:
    """Passes entries on and notes the first seq that is not where it should be."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._entries = entries
        self.last = 0
        self.gap: int | None = None

    def __iter__(self) -> Iterator[Entry]:
        for entry in self._entries:
            if entry.seq != self.last + 1 and self.gap is None:
                self.gap = self.last + 1
            self.last = entry.seq
            yield entry
