"""The streams, runs and specs of a ledger in memory."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING

from aivcs.domain.append import check_tenant, plan
from aivcs.domain.commitment import leaf_of
from aivcs.domain.execution import status_of
from aivcs.domain.repetition import check_key, repeated
from aivcs.domain.run import RunId, RunLease, RunRecord, check_beginning
from aivcs.domain.stream import Entry, Family, Released, Stream
from aivcs.errors import ConflictError, RunNotFound, SpecNotFound

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aivcs.adapters.memory_ledger.journal import Journal
    from aivcs.domain.digest import Digest
    from aivcs.domain.log_writes import Append, Draft, NewRun, NewSpec
    from aivcs.domain.run import Source
    from aivcs.domain.stream import RunQuery


@dataclass
class Log:
    """One stream: its head, its entries (seq n at n - 1), what waits, and the keys used.

    A key stands for the first seq and the number of its entries.
    """

    head: Stream
    entries: list[Entry] = field(default_factory=list)
    early: dict[int, Entry] = field(default_factory=dict)
    keys: dict[str, tuple[int, int]] = field(default_factory=dict)


class Logs:
    """Logs, runs and the annotations of specs."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._logs: dict[tuple[Family, str], Log] = {}
        self._runs: dict[str, RunRecord] = {}
        self._specs: list[NewSpec] = []
        self._lines: list[Released] = []

    def add_spec(self, spec: NewSpec) -> None:
        """Add an annotation unless the newest one of this digest says the same."""
        known = next((s for s in reversed(self._specs) if s.digest == spec.digest), None)
        if known is None or replace(known, created_at=spec.created_at) != spec:
            self._specs.append(spec)
            self._journal.on_error(self._specs.pop)

    def create(self, run: NewRun) -> None:
        """Add a run and its empty log."""
        check_beginning(run)
        wanted = run.spec_digest
        if wanted is not None and all(spec.digest != wanted for spec in self._specs):
            msg = f"no spec {run.spec_digest}"
            raise SpecNotFound(msg, hint="add it first: 'aivcs spec add'")
        if run.run_id in self._runs:
            msg = f"there is a run {run.run_id} already"
            raise ConflictError(msg, hint="choose another id")
        known = self.run_from(run.source) if run.source else None
        if run.source and known:
            place = f"{run.source.digest.short()}#{run.source.index}"
            msg = f"run {known.run_id} was recorded from {place} already"
            raise ConflictError(msg, hint=f"'aivcs run show {known.run_id}'")
        head = Stream(Family.RUN, run.run_id, 0, run.state, tenant=run.tenant)
        self._journal.put(self._logs, (Family.RUN, run.run_id), Log(head))
        record = RunRecord(
            run_id=RunId(run.run_id),
            spec_digest=run.spec_digest,
            metadata=run.metadata,
            status=status_of(run.state),
            state=run.state,
            summary=None,
            created_at=run.created_at,
            completed_at=None,
            total_events=0,
            source=run.source,
            tenant=run.tenant,
        )
        self._journal.put(self._runs, run.run_id, record)

    def log(self, family: Family, name: str) -> Log:
        """Return a log; a release log begins here, RunNotFound for a run."""
        key = (family, name)
        if key not in self._logs:
            if family is Family.RUN:
                raise _no_run(name)
            self._journal.put(self._logs, key, Log(Stream(family, name, 0)))
        return self._logs[key]

    def append(self, wanted: Append) -> tuple[tuple[int, ...], bool, Sequence[int]]:
        """Append as the plan says.

        Returns the drafts' seqs, whether its key says that this happened before, and the
        numbers of new releases in the log of all.
        """
        check_key(wanted)
        log = self.log(wanted.family, wanted.name)
        check_tenant(log.head, wanted)
        if wanted.key is not None and wanted.key in log.keys:
            seq, count = log.keys[wanted.key]
            return repeated(wanted, log.entries[seq - 1 : seq - 1 + count]), True, ()
        steps = plan(log.head, wanted, log.early, lambda seq: log.entries[seq - 1])
        before, early = len(log.entries), dict(log.early)

        def take_back() -> None:
            del log.entries[before:]
            log.early = early

        self._journal.on_error(take_back)
        new = [_entry(seq, draft) for seq, draft in steps.dense]
        if wanted.family is Family.RELEASE:
            new = [self._numbered(wanted.name, entry) for entry in new]
        log.entries += new
        waiting = early | {seq: _entry(seq, draft) for seq, draft in steps.early}
        log.early = {seq: waiting[seq] for seq in sorted(set(waiting) - set(steps.released))}
        head = replace(
            log.head,
            size=len(log.entries),
            frontier=log.head.frontier.grown(leaf_of(entry) for entry in new),
        )
        if steps.states:
            state, wait = steps.states[-1]
            head = replace(head, state=state, wait=wait)
        self.move(log, head)
        if wanted.key is not None:
            self._journal.put(log.keys, wanted.key, (steps.seqs[0], len(steps.seqs)))
        return steps.seqs, False, [entry.number for entry in new if entry.number is not None]

    def _numbered(self, name: str, entry: Entry) -> Entry:
        """Return a release with the next number in the log of all, where it is listed."""
        found = replace(entry, number=len(self._lines) + 1)
        self._add(Released(len(self._lines) + 1, name, found))
        return found

    def announce(self, text: str) -> int:
        """Add an announcement to the log of all releases; return its number."""
        self._add(Released(len(self._lines) + 1, announcement=text))
        return len(self._lines)

    def _add(self, line: Released) -> None:
        self._lines.append(line)
        self._journal.on_error(self._lines.pop)

    def release_log(self, after: int, limit: int) -> list[Released]:
        """Return the log of all releases."""
        with self._journal.reading():
            return self._lines[max(0, after) :][:limit]

    def move(self, log: Log, head: Stream) -> None:
        """Give a log another head; a run's record says the same."""
        before = log.head

        def take_back() -> None:
            log.head = before

        self._journal.on_error(take_back)
        log.head = head
        if head.state is None:
            return
        lease = None
        if head.holder is not None and head.deadline is not None:
            lease = RunLease(head.holder, head.epoch, head.deadline)
        record = replace(
            self._runs[head.name],
            status=status_of(head.state),
            state=head.state,
            wait=head.wait,
            total_events=head.size,
            lease=lease,
        )
        self._journal.put(self._runs, head.name, record)

    def stream(self, family: Family, name: str) -> Stream | None:
        """Return the head of a stream."""
        with self._journal.reading():
            log = self._logs.get((family, name))
            return log.head if log else None

    def streams(self, family: Family) -> list[Stream]:
        """Return the heads of a family, by name."""
        with self._journal.reading():
            heads = [log.head for (kind, _), log in self._logs.items() if kind is family]
            return sorted(heads, key=lambda head: head.name.encode())

    def entries(
        self,
        family: Family,
        name: str,
        *,
        after: int = 0,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> Iterator[Entry]:
        """Yield entries as they were when the iteration began."""
        with self._journal.reading():
            log = self._logs.get((family, name))
            found = log.entries[max(0, after) :] if log else []
        if newest_first:
            found.reverse()
        yield from islice(found, limit)

    def waiting(self, run_id: str) -> Mapping[int, Entry]:
        """Return the early entries of a run."""
        with self._journal.reading():
            log = self._logs.get((Family.RUN, run_id))
            return dict(log.early) if log else {}

    def run(self, run_id: str) -> RunRecord | None:
        """Return a run."""
        with self._journal.reading():
            return self._runs.get(run_id)

    def run_from(self, source: Source) -> RunRecord | None:
        """Return the run that was recorded from a source."""
        with self._journal.reading():
            place = (source.digest, source.index)
            return next(
                (
                    run
                    for run in self._runs.values()
                    if run.source and (run.source.digest, run.source.index) == place
                ),
                None,
            )

    def runs(self, query: RunQuery) -> list[RunRecord]:
        """Return runs, newest first."""
        with self._journal.reading():
            found = list(self._runs.values())
        if query.after is not None:
            ids = [run.run_id for run in found]
            if query.after not in ids:
                raise _no_run(query.after)
            found = found[: ids.index(RunId(query.after))]
        fitting = (
            run
            for run in reversed(found)
            if query.spec_digest in {None, run.spec_digest}
            and query.agent in {None, run.metadata.agent_name}
            and query.status in {None, run.status}
            and query.git_sha in {None, run.metadata.git_sha}
            and query.tenant in {None, run.tenant}
        )
        end = None if query.limit is None else query.offset + query.limit
        return list(islice(fitting, query.offset, end))

    def run_ids(self, prefix: str, limit: int) -> list[str]:
        """Return run ids by prefix."""
        with self._journal.reading():
            return list(islice((i for i in self._runs if i.startswith(prefix)), limit))

    def specs(self, digest: Digest | None = None) -> list[NewSpec]:
        """Return annotations, newest first."""
        with self._journal.reading():
            return [spec for spec in reversed(self._specs) if digest in {None, spec.digest}]

    def has_expired(self, run_id: str | None) -> bool:
        """Tell whether there is such a run and it has expired."""
        run = None if run_id is None else self._runs.get(run_id)
        return run is not None and run.expired_at is not None

    def every_entry(self) -> Iterator[tuple[Stream, Entry]]:
        """Yield all entries of all logs, and those that wait."""
        for log in self._logs.values():
            for entry in [*log.entries, *log.early.values()]:
                yield log.head, entry

    def every_run(self) -> list[RunRecord]:
        """Return all runs in order of creation."""
        return list(self._runs.values())


def _entry(seq: int, new: Draft | Entry) -> Entry:
    times = new.timestamp, new.recorded_at
    return Entry(seq, new.kind, new.body, new.object, *times, new.salt)


def _no_run(run_id: str) -> RunNotFound:
    return RunNotFound(f"no run {run_id}", hint="'aivcs run list' lists the runs")
