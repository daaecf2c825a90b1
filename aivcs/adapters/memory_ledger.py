"""The Ledger port in memory: for tests, examples and throw-away work."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from aivcs.domain.append import check_complete, plan
from aivcs.domain.batch import Entry, Family, Receipt, Stream
from aivcs.domain.run import RunId, RunRecord, RunStatus, RunSummary, check_move
from aivcs.errors import ConflictError, RepositoryClosed, RunNotFound, SpecNotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from aivcs.domain.batch import (
        Append,
        Batch,
        Draft,
        EndRun,
        NewRun,
        NewSpec,
        Reference,
        RunQuery,
        StoredObject,
    )
    from aivcs.domain.digest import Digest
    from aivcs.domain.run import Source


K = TypeVar("K")
V = TypeVar("V")


@dataclass
class _Log:
    """One stream: its head, its entries (seq n at n - 1) and what waits."""

    head: Stream
    entries: list[Entry] = field(default_factory=list)
    early: dict[int, Draft] = field(default_factory=dict)


class MemoryLedger:
    """Everything in dictionaries under one lock; gone when the process ends."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._undo: list[Callable[[], object]] = []
        self._closed = False
        self._logs: dict[tuple[Family, str], _Log] = {}
        self._runs: dict[str, RunRecord] = {}
        self._specs: list[NewSpec] = []
        self._objects: dict[Digest, StoredObject] = {}
        self._references: dict[Reference, None] = {}

    def commit(self, batch: Batch) -> Receipt:
        """Apply a batch; an error takes back what was applied of it."""
        with self._reading():
            self._undo.clear()
            try:
                return self._apply(batch)
            except BaseException:
                while self._undo:
                    self._undo.pop()()
                raise

    def _apply(self, batch: Batch) -> Receipt:
        for item in batch.objects:
            if item.digest not in self._objects:
                self._put(self._objects, item.digest, item)
        for spec in batch.specs:
            self._add_spec(spec)
        for run in batch.runs:
            self._create(run)
        seqs = tuple(self._append(wanted) for wanted in batch.appends)
        for reference in batch.references:
            self._refer(reference)
        for end in batch.ends:
            self._end(end)
        for digest in batch.deletions:
            self._delete(digest)
        return Receipt(seqs)

    def _put(self, table: dict[K, V], key: K, value: V) -> None:
        if key in table:
            old = table[key]
            self._undo.append(lambda: table.__setitem__(key, old))
        else:
            self._undo.append(lambda: table.pop(key))
        table[key] = value

    def _remove(self, table: dict[K, V], key: K) -> None:
        if key in table:
            old = table.pop(key)
            self._undo.append(lambda: table.__setitem__(key, old))

    def _refer(self, reference: Reference) -> None:
        if reference.run_id is not None:
            self._log(Family.RUN, reference.run_id)
        if reference not in self._references:
            self._put(self._references, reference, None)

    def _delete(self, digest: Digest) -> None:
        self._remove(self._objects, digest)
        for reference in [r for r in self._references if r.digest == digest and not r.run_id]:
            self._remove(self._references, reference)

    def _add_spec(self, spec: NewSpec) -> None:
        known = next((s for s in reversed(self._specs) if s.digest == spec.digest), None)
        if known is None or replace(known, created_at=spec.created_at) != spec:
            self._specs.append(spec)
            self._undo.append(self._specs.pop)

    def _create(self, run: NewRun) -> None:
        if not any(spec.digest == run.spec_digest for spec in self._specs):
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
        head = Stream(Family.RUN, run.run_id, 0, RunStatus.RUNNING)
        self._put(self._logs, (Family.RUN, run.run_id), _Log(head))
        record = RunRecord(
            run_id=RunId(run.run_id),
            spec_digest=run.spec_digest,
            metadata=run.metadata,
            status=RunStatus.RUNNING,
            summary=None,
            created_at=run.created_at,
            completed_at=None,
            total_events=0,
            source=run.source,
        )
        self._put(self._runs, run.run_id, record)

    def _log(self, family: Family, name: str) -> _Log:
        key = (family, name)
        if key not in self._logs:
            if family is Family.RUN:
                raise _no_run(name)
            self._put(self._logs, key, _Log(Stream(family, name, 0, None)))
        return self._logs[key]

    def _append(self, wanted: Append) -> tuple[int, ...]:
        log = self._log(wanted.family, wanted.name)
        steps = plan(log.head, wanted, log.early, lambda seq: log.entries[seq - 1])
        before, early, head = len(log.entries), dict(log.early), log.head

        def take_back() -> None:
            del log.entries[before:]
            log.early, log.head = early, head

        self._undo.append(take_back)
        log.entries += [_entry(seq, draft) for seq, draft in steps.dense]
        waiting = early | dict(steps.early)
        log.early = {seq: waiting[seq] for seq in sorted(set(waiting) - set(steps.released))}
        log.head = replace(head, size=len(log.entries))
        if wanted.family is Family.RUN:
            record = replace(self._runs[wanted.name], total_events=log.head.size)
            self._put(self._runs, wanted.name, record)
        return steps.seqs

    def _end(self, end: EndRun) -> None:
        log = self._log(Family.RUN, end.run_id)
        check_move(end.run_id, log.head.status or RunStatus.RUNNING, end.status)
        if end.status is RunStatus.COMPLETED:
            check_complete(log.head, log.early)
        head = log.head

        def take_back() -> None:
            log.head = head

        self._undo.append(take_back)
        log.head = replace(head, status=end.status)
        summary = RunSummary(head.size, end.final_state, end.duration_ms, end.success)
        record = replace(
            self._runs[end.run_id],
            status=end.status,
            summary=summary,
            completed_at=end.completed_at,
            reason=end.reason,
        )
        self._put(self._runs, end.run_id, record)

    def stream(self, family: Family, name: str) -> Stream | None:
        """Return the head of a stream."""
        with self._reading():
            log = self._logs.get((family, name))
            return log.head if log else None

    def streams(self, family: Family) -> list[Stream]:
        """Return the heads of a family, by name."""
        with self._reading():
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
        with self._reading():
            log = self._logs.get((family, name))
            found = log.entries[max(0, after) :] if log else []
        if newest_first:
            found.reverse()
        yield from islice(found, limit)

    def waiting(self, run_id: str) -> Mapping[int, Draft]:
        """Return the early entries of a run."""
        with self._reading():
            log = self._logs.get((Family.RUN, run_id))
            return {seq: replace(d, seq=seq) for seq, d in log.early.items()} if log else {}

    def run(self, run_id: str) -> RunRecord | None:
        """Return a run."""
        with self._reading():
            return self._runs.get(run_id)

    def run_from(self, source: Source) -> RunRecord | None:
        """Return the run that was recorded from a source."""
        with self._reading():
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
        with self._reading():
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
        )
        return list(islice(fitting, query.limit))

    def run_ids(self, prefix: str, limit: int) -> list[str]:
        """Return run ids by prefix."""
        with self._reading():
            return list(islice((i for i in self._runs if i.startswith(prefix)), limit))

    def specs(self, digest: Digest | None = None) -> list[NewSpec]:
        """Return annotations, newest first."""
        with self._reading():
            return [spec for spec in reversed(self._specs) if digest in {None, spec.digest}]

    def objects(self, digests: Sequence[Digest]) -> Mapping[Digest, StoredObject]:
        """Return stored objects."""
        with self._reading():
            return {d: self._objects[d] for d in digests if d in self._objects}

    def sizes(self, digests: Sequence[Digest]) -> Mapping[Digest, int]:
        """Return the sizes of stored objects."""
        return {digest: stored.size for digest, stored in self.objects(digests).items()}

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Let nobody else in."""
        with self._lock:
            yield

    def digests(self, *, after: Digest | None = None, limit: int = 1000) -> list[Digest]:
        """Return stored digests in order."""
        with self._reading():
            return sorted(d for d in self._objects if after is None or d > after)[:limit]

    def references(self, digest: Digest | None = None) -> list[Reference]:
        """Return explicit references."""
        with self._reading():
            return [r for r in self._references if digest in {None, r.digest}]

    def holders(self, digest: Digest) -> list[str]:
        """Say which rows name an object."""
        with self._reading():
            found = {f"spec {s.name}" for s in self._specs if digest in {s.digest, s.manifest}}
            for run in self._runs.values():
                if run.source and run.source.digest == digest:
                    found.add(f"run {run.run_id} (source)")
                if run.summary and run.summary.final_state_digest == digest:
                    found.add(f"run {run.run_id} (final state)")
            for (family, name), log in self._logs.items():
                entries = [*log.entries, *(_entry(*item) for item in log.early.items())]
                found |= {f"{family.value} {name} #{e.seq}" for e in entries if e.object == digest}
            for reference in self._references:
                if reference.digest == digest and reference.run_id:
                    found.add(f"run {reference.run_id} ({reference.role.value})")
            return sorted(found)[:20]

    def check(self) -> list[str]:
        """Find nothing: there is no structure apart from the values."""
        self._reading()
        return []

    def close(self) -> None:
        """Refuse everything from now on."""
        self._closed = True

    def _reading(self) -> threading.RLock:
        if self._closed:
            msg = "the repository in memory is closed"
            raise RepositoryClosed(msg, hint="open a new one")
        return self._lock


def _entry(seq: int, draft: Draft) -> Entry:
    return Entry(seq, draft.kind, draft.body, draft.object, draft.timestamp, draft.recorded_at)


def _no_run(run_id: str) -> RunNotFound:
    return RunNotFound(f"no run {run_id}", hint="'aivcs run list' lists the runs")
