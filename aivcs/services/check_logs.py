"""What verification asks of runs and release logs."""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING, Final

from aivcs.domain.events import MAX_SEQ
from aivcs.domain.lineage import lineage_problems
from aivcs.domain.report import UNREADABLE, Problem, Severity
from aivcs.domain.run import RunStatus
from aivcs.domain.stream import Family
from aivcs.errors import CorruptionError, Unreadable
from aivcs.services import bodies
from aivcs.services.check_log import LogReading
from aivcs.services.check_past import Past
from aivcs.services.check_trees import Growth, SealChecks
from aivcs.services.check_verdicts import VerdictChecks
from aivcs.services.release_entry import read_record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from aivcs.domain.canonical import Json
    from aivcs.domain.digest import Digest
    from aivcs.domain.merkle import Frontier
    from aivcs.domain.release import ReleaseRecord
    from aivcs.domain.run import RunRecord
    from aivcs.domain.saved import Saved
    from aivcs.domain.stream import Entry
    from aivcs.ports import Ledger
    from aivcs.services.objects import CasStore
    from aivcs.services.sampling import Portion
    from aivcs.services.tally import Tally

_PAGE: Final = 500
_NAMED: Final = 20


class LogChecks:
    """Reads all logs, or a portion of the runs."""

    def __init__(
        self,
        ledger: Ledger,
        objects: CasStore,
        tally: Tally,
        portion: Portion,
        saved: Saved | None = None,
        *,
        keep: bool = False,
    ) -> None:
        self._ledger = ledger
        self._objects = objects
        self._count = tally.count
        self._portion = portion
        self._known: set[Digest] = set()
        self._verdicts = VerdictChecks(ledger)
        self.past = Past(ledger, saved, keep=keep)
        self.seals = SealChecks(ledger, () if saved is None else (saved.seals,))

    def runs(self) -> Iterator[Problem]:
        """Read runs and their events; one that is damaged does not hide the others."""
        yield from self.seals.read()
        for run_id in self._ledger.run_ids("", MAX_SEQ):
            if self._portion.takes(run_id):
                yield from self.run(run_id)

    def run(self, run_id: str, start: Frontier | None = None) -> Iterator[Problem]:
        """Read one run and its events, from behind ``start`` on, which was seen before."""
        self._count("runs")
        try:
            run = self._ledger.run(run_id)
            if run is not None:
                yield from self._check_run(run)
                yield from self.seals.check(run)
            yield from self._check_events(run_id, run, start)
        except CorruptionError as error:
            yield Problem("run", run_id, error.message)

    def _check_run(self, run: RunRecord) -> Iterator[Problem]:
        if run.spec_digest is not None and not self._is_listed(run.spec_digest):
            yield Problem("run", run.run_id, f"its spec {run.spec_digest} is not stored")
        source = run.source.digest if run.source and run.expired_at is None else None
        if source is not None and not self._ledger.sizes([source]):
            yield Problem("run", run.run_id, f"its source {source} is not stored")
        if (run.status is RunStatus.RUNNING) != (run.completed_at is None):
            detail = f"it is {run.status.value}, but its end says otherwise"
            yield Problem("run", run.run_id, detail)

    def _is_listed(self, digest: Digest) -> bool:
        if digest not in self._known and self._ledger.specs(digest):
            self._known.add(digest)
        return digest in self._known

    def _check_events(
        self, run_id: str, run: RunRecord | None, start: Frontier | None
    ) -> Iterator[Problem]:
        # The run was read before its head: an end that came in between is not of this moment.
        head = self._ledger.stream(Family.RUN, run_id)
        if head is None:
            return
        if start is not None and head.size < start.size:
            detail = f"it has {head.size} events, and {start.size} were seen before"
            yield Problem("run", run_id, detail)
            return
        sizes = self.past.sizes(Family.RUN, run_id)
        log = LogReading(self._ledger, self._objects, Family.RUN, head, start=start, sizes=sizes)
        root = None if run is None else run.root
        for detail in log.problems(lambda number: self._count("events", number), root):
            yield Problem("run", run_id, detail)
        for detail in log.unread:
            yield Problem(UNREADABLE, run_id, f"run {run_id}: {detail}")
        early = self._ledger.waiting(run_id)
        yield from self._check_waiting(run_id, run, early)
        seal = self.seals.of(run_id)
        for detail in self.past.check(head, log.tree, log.roots, run, early, seal):
            yield Problem("run", run_id, detail)

    def _check_waiting(
        self, run_id: str, run: RunRecord | None, waiting: Mapping[int, Entry]
    ) -> Iterator[Problem]:
        for entry, found in self._bodies(waiting.values()):
            if isinstance(found, CorruptionError):
                yield Problem("run", run_id, f"at early event {entry.seq}: {found.message}")
            elif isinstance(found, Unreadable):
                detail = f"run {run_id}: at early event {entry.seq}: {found.message}"
                yield Problem(UNREADABLE, run_id, detail)
        if waiting and run is not None and run.status.terminal:
            seqs = ", ".join(str(seq) for seq in islice(waiting, _NAMED))
            detail = f"it ended with a gap: events {seqs} came early and stayed outside the log"
            yield Problem("gap", run_id, detail, Severity.WARNING)

    def _bodies(
        self, entries: Iterable[Entry]
    ) -> Iterator[tuple[Entry, tuple[Json] | CorruptionError | Unreadable]]:
        """Yield each entry with its body in a tuple, or with why it cannot be read."""
        source = iter(entries)
        while page := list(islice(source, _PAGE)):
            try:
                whole = [(entry, (body,)) for entry, body in bodies.payloads(self._objects, page)]
            except (CorruptionError, Unreadable):
                for entry in page:
                    yield entry, self._body(entry)
            else:
                yield from whole

    def _body(self, entry: Entry) -> tuple[Json] | CorruptionError | Unreadable:
        try:
            ((_, body),) = bodies.payloads(self._objects, [entry])
        except (CorruptionError, Unreadable) as error:
            return error
        return (body,)

    def releases(self) -> Iterator[Problem]:
        """Read every release log and follow its lineage."""
        for name in self._ledger.names(Family.RELEASE):
            try:
                yield from self._check_log(name)
            except CorruptionError as error:
                yield Problem("release", name, error.message)

    def _entries(self, name: str) -> Iterator[Entry]:
        """Yield the entries of a release log; one that spoils its page is named by its place."""
        mark = 0
        try:
            for entry in self._ledger.entries(Family.RELEASE, name):
                yield entry
                mark = entry.seq
        except CorruptionError:
            yield from self._one_by_one(name, mark)
            raise

    def _one_by_one(self, name: str, mark: int) -> Iterator[Entry]:
        try:
            while found := list(self._ledger.entries(Family.RELEASE, name, after=mark, limit=1)):
                yield found[0]
                mark = max(mark + 1, found[0].seq)
        except CorruptionError as error:
            msg = f"at seq {mark + 1}: {error.message}"
            raise CorruptionError(msg, hint=error.hint) from error

    def _check_log(self, name: str) -> Iterator[Problem]:
        head = self._ledger.stream(Family.RELEASE, name)
        sizes = self.past.sizes(Family.RELEASE, name)
        log = Growth(head, self._entries(name), sizes)
        records: list[ReleaseRecord] = []
        damaged = False
        for entry, found in self._bodies(log):
            self._count("releases")
            try:
                if not isinstance(found, tuple):
                    raise found
                records.append(read_record(name, entry, found[0]))
            except CorruptionError as error:
                damaged = True
                yield Problem("release", name, f"at seq {entry.seq}: {error.message}")
            except Unreadable as error:
                damaged = True
                detail = f"release {name}: at seq {entry.seq}: {error.message}"
                yield Problem(UNREADABLE, name, detail)
        for record in records:
            if not self._is_listed(record.spec_digest):
                detail = f"seq {record.seq} names spec {record.spec_digest}, which is not stored"
                yield Problem("release", name, detail)
        if wrong := log.problem():
            yield Problem("release", name, wrong)
        for detail in () if head is None else self.past.check(head, log.tree, log.roots):
            yield Problem("release", name, detail)
        followed = () if damaged else lineage_problems(records)
        for detail in chain(self._verdicts.problems(records), followed):
            yield Problem("release", name, detail)
